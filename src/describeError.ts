/** Turns whatever a call threw into a sentence for the person, with what to do next. */
import { ConvexError } from "convex/values";
import type { AppError } from "../convex/shared/errors.ts";

export function describeError(error: unknown): string {
  const appError = error instanceof ConvexError ? readAppError(error.data) : null;
  if (appError === null)
    return "Something went wrong on the server. Your text is kept: try again in a moment.";
  switch (appError.kind) {
    case "tooManyRequests":
      return `${appError.message} Try again in ${Math.max(1, Math.ceil(appError.retryAfterMs / 1000))} s.`;
    case "modelUnavailable":
      return `${appError.message} Choose another model below and send again.`;
    case "internal":
      return `${appError.message} Your text is kept: try again in a moment.`;
    case "notFound":
    case "invalidInput":
    case "notSignedIn":
    case "notAllowed":
    case "runTaken":
    case "chatBusy":
      return appError.message;
    default:
      return appError satisfies never;
  }
}

export function describeStopFailure(error: unknown): string {
  return `The reply could not be stopped. ${describeError(error)}`;
}

/** Why the server refused, in its own words; null when it did not say. */
export function refusalOf(error: unknown): string | null {
  return error instanceof ConvexError ? (readAppError(error.data)?.message ?? null) : null;
}

/** The app's own error, read from what came with a failed call; null where it is none. */
export function readAppError(data: unknown): AppError | null {
  if (typeof data !== "object" || data === null) return null;
  const { kind, message } = data as Partial<AppError>;
  return typeof kind === "string" && typeof message === "string" ? (data as AppError) : null;
}
