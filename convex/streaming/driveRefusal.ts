/** What /chat-stream answers when it drives nothing: an `AppError` as JSON, with the turn if there is one by now. */
import { appErrorOf } from "../model/appError.ts";
import type { AppError, AppErrorKind } from "../shared/errors.ts";
import type { Turn } from "../shared/streamEvents.ts";
import { BodyTooLarge, BodyTooSlow } from "./driveRequest.ts";

/** The claim was refused: somebody else has the run, or nobody yet. The caller reads the database. */
export class NotDriven extends Error {
  /** The turn that the request began all the same; null where it named a reply. */
  readonly turn: Turn | null;
  readonly error: AppError;

  constructor(turn: Turn | null, error: AppError) {
    super(error.message);
    this.name = "NotDriven";
    this.turn = turn;
    this.error = error;
  }
}

const statusOfKind: Readonly<Record<AppErrorKind, number>> = {
  notFound: 404,
  invalidInput: 400,
  notSignedIn: 401,
  notAllowed: 403,
  chatBusy: 409,
  runTaken: 409,
  tooManyRequests: 429,
  modelUnavailable: 503,
  internal: 503,
};

/** The answer for whatever reading, beginning and claiming threw; `headers` are for every answer of the route. */
export function refusalResponse(thrown: unknown, headers: Headers): Response {
  if (thrown instanceof BodyTooLarge) {
    return jsonError(413, { kind: "invalidInput", field: "body", message: thrown.message }, headers);
  }
  if (thrown instanceof BodyTooSlow) {
    return jsonError(408, { kind: "internal", message: thrown.message }, headers);
  }
  if (thrown instanceof NotDriven) {
    const { error, turn } = thrown;
    // All places for runs are taken: by everybody's, not by too many of this caller's.
    const status = error.kind === "tooManyRequests" ? 503 : statusOfKind[error.kind];
    return jsonError(status, turn === null ? error : { ...error, turn }, headers);
  }
  const error = appErrorOf(thrown);
  if (error !== null) {
    return jsonError(statusOfKind[error.kind], error, headers);
  }
  console.error("A run could not be claimed.", thrown);
  const message = "The reply could not be started from here; it will be written without this connection.";
  return jsonError(503, { kind: "internal", message }, headers);
}

export function foreignOriginResponse(request: Request): Response {
  const origin = request.headers.get("Origin") ?? "";
  const message = `Pages of ${origin} may not call this deployment. Add the origin to ALLOWED_ORIGINS.`;
  return jsonError(403, { kind: "notAllowed", message }, new Headers({ Vary: "Origin" }));
}

function jsonError(status: number, error: AppError & { turn?: Turn }, headers: Headers): Response {
  headers.set("Content-Type", "application/json");
  if (error.kind === "tooManyRequests") {
    headers.set("Retry-After", String(Math.ceil(error.retryAfterMs / 1000)));
  }
  return new Response(JSON.stringify(error), { status, headers });
}
