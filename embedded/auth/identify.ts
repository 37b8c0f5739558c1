/**
 * From a credential to a caller. Tokens of users are not verified yet: no deployment here has an auth provider, and
 * a token without one is refused with the sentence Convex's client shows.
 */
import type { Caller } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Credential } from "../protocol/mainMessages.ts";

/** Rejects with Unauthenticated or BadAdminKey. Asynchronous because verifying a token fetches its issuer's keys. */
export async function identify(credential: Credential): Promise<Caller> {
  switch (credential.kind) {
    case "anonymous":
      return { kind: "anonymous" };
    case "admin":
      return { kind: "admin", impersonating: credential.impersonating };
    case "bearer":
      throw new DeploymentError(
        "Unauthenticated",
        "No auth provider found matching the given token: this deployment has no auth provider configured.",
      );
    case "refused":
      throw new DeploymentError("BadAdminKey", credential.reason);
    default:
      return credential satisfies never;
  }
}
