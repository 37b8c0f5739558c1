/** How the rules refuse: a `ConvexError` whose data is one of the `AppError`s, and back again. */
import { ConvexError } from "convex/values";
import type { AppError } from "../shared/errors.ts";

export function appError(error: AppError): ConvexError<AppError> {
  return new ConvexError(error);
}

/** What was thrown as an `AppError`; null for anything that is not one. */
export function appErrorOf(thrown: unknown): AppError | null {
  return thrown instanceof ConvexError ? (thrown.data as AppError) : null;
}
