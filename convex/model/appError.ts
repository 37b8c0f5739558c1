/** How the rules refuse: a `ConvexError` whose data is one of the `AppError`s, and back again. */
import { ConvexError, v } from "convex/values";
import type { Infer } from "convex/values";
import type { AppError } from "../shared/errors.ts";

const message = v.string();

/** For functions that answer an error instead of throwing it, so that what they wrote stays. */
export const appErrorValidator = v.union(
  v.object({
    kind: v.union(
      v.literal("notFound"),
      v.literal("notSignedIn"),
      v.literal("notAllowed"),
      v.literal("chatBusy"),
      v.literal("runTaken"),
      v.literal("modelUnavailable"),
      v.literal("internal"),
    ),
    message,
  }),
  v.object({ kind: v.literal("invalidInput"), message, field: v.string() }),
  v.object({ kind: v.literal("tooManyRequests"), message, retryAfterMs: v.number() }),
);

/** What the validator lets through is an `AppError`, and every `AppError` gets through. */
({}) as Infer<typeof appErrorValidator> satisfies AppError;
({}) as AppError satisfies Infer<typeof appErrorValidator>;

export function appError(error: AppError): ConvexError<AppError> {
  return new ConvexError(error);
}

/** What was thrown as an `AppError`; null for anything that is not one. */
export function appErrorOf(thrown: unknown): AppError | null {
  return thrown instanceof ConvexError ? (thrown.data as AppError) : null;
}
