/** POST /chat-stream: drives a reply. The caller claims its run and gets the tokens as they come. */
import { httpAction } from "./_generated/server.js";
import { appError, appErrorOf } from "./model/appError.ts";
import type { AppError, AppErrorKind } from "./shared/errors.ts";
import { BodySink, plainTextFormat, sseFormat } from "./streaming/bodySink.ts";
import { claimRun, produceReply } from "./streaming/claimedRun.ts";
import type { ClaimedRun } from "./streaming/claimedRun.ts";
import { crossOriginHeaders } from "./streaming/crossOrigin.ts";

/** Room for fields that are none of ours, such as the longest prompt, all of it in escapes of six bytes. */
const maxBodyBytes = 2 * 1024 * 1024;

const minDriverTokenLength = 16;
const maxDriverTokenLength = 200;
const maxStreamIdLength = 200;

const preflightSeconds = 24 * 60 * 60;

export const drive = httpAction(async (ctx, request) => {
  const headers = crossOriginHeaders(request, process.env["ALLOWED_ORIGINS"]);
  if (headers === null) {
    return foreignOrigin(request);
  }
  let run: ClaimedRun;
  try {
    const body = await requestBody(request);
    run = await claimRun(ctx, { ...body, by: "driver" });
  } catch (error) {
    return errorResponse(error, headers);
  }
  const wantsEvents = request.headers.get("Accept")?.includes("text/event-stream") ?? false;
  const format = wantsEvents ? sseFormat : plainTextFormat(run.persistedText);
  const sink = new BodySink(format, run.attempt);
  // Not awaited: the head goes out now, and the action lives until the body is closed. The request's own
  // signal is not used, because the reply is finished whether or not its driver stays.
  void produceReply(ctx, run, sink);
  headers.set("Content-Type", format.contentType);
  headers.set("Cache-Control", "no-store");
  headers.set("X-Accel-Buffering", "no");
  return new Response(sink.body, { status: 200, headers });
});

export const preflight = httpAction(async (_ctx, request) => {
  const headers = crossOriginHeaders(request, process.env["ALLOWED_ORIGINS"]);
  if (headers === null) {
    return foreignOrigin(request);
  }
  headers.set("Access-Control-Allow-Methods", "POST, OPTIONS");
  headers.set("Access-Control-Allow-Headers", "Content-Type, Authorization, Accept");
  headers.set("Access-Control-Max-Age", String(preflightSeconds));
  return new Response(null, { status: 204, headers });
});

/** What the component's hook sends is enough; fields that are not known are ignored. */
async function requestBody(request: Request): Promise<{ streamId: string; driverToken?: string }> {
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBodyBytes) {
    throw bodyTooLarge();
  }
  const body = parsedObject(await boundedText(request));
  const streamId = body["streamId"];
  if (!isText(streamId, 1, maxStreamIdLength)) {
    throw invalid("streamId", "streamId must be the stream id of a reply.");
  }
  const driverToken = body["runToken"];
  if (driverToken === undefined) {
    return { streamId };
  }
  if (!isText(driverToken, minDriverTokenLength, maxDriverTokenLength)) {
    throw invalid(
      "runToken",
      `runToken must have ${minDriverTokenLength} to ${maxDriverTokenLength} characters.`,
    );
  }
  return { streamId, driverToken };
}

/** The request's text, read no further than the limit. */
async function boundedText(request: Request): Promise<string> {
  if (request.body === null) {
    return "";
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return text + decoder.decode();
    }
    length += value.byteLength;
    if (length > maxBodyBytes) {
      // Not awaited: the answer does not depend on the client's hearing of it, nor on this succeeding.
      void reader.cancel().catch(() => {});
      throw bodyTooLarge();
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The database refuses text with half a character in it, so such a text names nothing. */
function isText(value: unknown, minLength: number, maxLength: number): value is string {
  return (
    typeof value === "string" &&
    value.length >= minLength &&
    value.length <= maxLength &&
    value.isWellFormed()
  );
}

function parsedObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("body", 'The body must be JSON, such as {"streamId": "…"}.');
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid("body", 'The body must be a JSON object, such as {"streamId": "…"}.');
  }
  return value as Record<string, unknown>;
}

function invalid(field: string, message: string) {
  return appError({ kind: "invalidInput", field, message });
}

class BodyTooLarge extends Error {}

function bodyTooLarge() {
  return new BodyTooLarge(`The body may have at most ${maxBodyBytes} bytes.`);
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

function errorResponse(thrown: unknown, headers: Headers): Response {
  if (thrown instanceof BodyTooLarge) {
    return jsonError(413, { kind: "invalidInput", field: "body", message: thrown.message }, headers);
  }
  const error = appErrorOf(thrown);
  if (error !== null) {
    return jsonError(statusOfKind[error.kind], error, headers);
  }
  console.error("A run could not be claimed.", thrown);
  const message = "The reply could not be started from here; it will be written without this connection.";
  return jsonError(503, { kind: "internal", message }, headers);
}

function foreignOrigin(request: Request): Response {
  const origin = request.headers.get("Origin") ?? "";
  const message = `Pages of ${origin} may not call this deployment. Add the origin to ALLOWED_ORIGINS.`;
  return jsonError(403, { kind: "notAllowed", message }, new Headers({ Vary: "Origin" }));
}

function jsonError(status: number, error: AppError, headers: Headers): Response {
  headers.set("Content-Type", "application/json");
  if (error.kind === "tooManyRequests") {
    headers.set("Retry-After", String(Math.ceil(error.retryAfterMs / 1000)));
  }
  return new Response(JSON.stringify(error), { status, headers });
}
