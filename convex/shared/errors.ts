/** The errors a person can meet, as one union; every `ConvexError` of the app carries one of these as its data. */

export type AppError =
  | { kind: "notFound"; message: string }
  | { kind: "invalidInput"; message: string; field: string }
  | { kind: "notSignedIn"; message: string }
  | { kind: "notAllowed"; message: string }
  /** The message that is answered has a reply of its own that has not ended yet. */
  | { kind: "chatBusy"; message: string }
  /** The run belongs to another driver, or its token was revoked: read the database instead. */
  | { kind: "runTaken"; message: string }
  | { kind: "tooManyRequests"; message: string; retryAfterMs: number }
  | { kind: "modelUnavailable"; message: string }
  | { kind: "internal"; message: string };

export type AppErrorKind = AppError["kind"];

/** What went wrong at the model provider, kept on the reply and shown with a remedy. */
export type ProviderErrorKind =
  | "auth"
  | "rateLimit"
  | "overloaded"
  | "invalidRequest"
  | "contextTooLong"
  | "refused"
  | "network"
  | "timeout"
  | "unknown";
