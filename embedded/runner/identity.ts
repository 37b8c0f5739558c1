/** Who asks, as functions see it. */
import type { Caller } from "../protocol/calls.ts";

/** The token that proved who the user is, as `ctx.meta` tells it; null for everybody else, admins included. */
export function tokenOf(caller: Caller): string | null {
  return caller.kind === "user" || caller.kind === "system" ? caller.token : null;
}

/** Attributes of the user on whose behalf the call is made; null when there is none. */
export function identityOf(caller: Caller): Record<string, unknown> | null {
  switch (caller.kind) {
    case "anonymous":
      return null;
    case "user":
    case "system":
      return caller.attributes;
    case "admin":
      return caller.impersonating;
    default:
      return caller satisfies never;
  }
}
