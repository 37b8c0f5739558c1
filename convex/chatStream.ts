/**
 * POST /chat-stream: drives a reply, one that is there or the one to a message that comes with the request. The caller
 * claims its run and gets the tokens as they come.
 */
import { httpAction } from "./_generated/server.js";
import type { ActionCtx } from "./_generated/server.js";
import { appErrorOf } from "./model/appError.ts";
import { turnHeader } from "./shared/streamEvents.ts";
import type { Turn } from "./shared/streamEvents.ts";
import { BodySink, plainTextFormat, sseFormat, sseFormatOfTurn } from "./streaming/bodySink.ts";
import { claimRun, claimRunOfTurn, produceReply } from "./streaming/claimedRun.ts";
import type { ClaimedRun } from "./streaming/claimedRun.ts";
import { crossOriginHeaders } from "./streaming/crossOrigin.ts";
import { foreignOriginResponse, NotDriven, refusalResponse } from "./streaming/driveRefusal.ts";
import { readDriveRequest } from "./streaming/driveRequest.ts";
import type { DriveRequest } from "./streaming/driveRequest.ts";

const preflightSeconds = 24 * 60 * 60;

/** `turn` is the one that the request began; null where it named a reply. */
interface Driven {
  run: ClaimedRun;
  turn: Turn | null;
}

export const drive = httpAction(async (ctx, request) => {
  const headers = crossOriginHeaders(request, process.env["ALLOWED_ORIGINS"]);
  if (headers === null) {
    return foreignOriginResponse(request);
  }
  let driven: Driven;
  try {
    driven = await claim(ctx, await readDriveRequest(request));
  } catch (error) {
    return refusalResponse(error, headers);
  }
  const { run, turn } = driven;
  const format = bodyFormat(request, driven);
  const sink = new BodySink(format, run.attempt);
  // Not awaited: the head goes out now, and the action lives until the body is closed. The request's own
  // signal is not used, because the reply is finished whether or not its driver stays.
  void produceReply(ctx, run, sink);
  headers.set("Content-Type", format.contentType);
  headers.set("Cache-Control", "no-store");
  headers.set("X-Accel-Buffering", "no");
  if (turn !== null) {
    headers.set(turnHeader, JSON.stringify(turn));
  }
  return new Response(sink.body, { status: 200, headers });
});

export const preflight = httpAction(async (_ctx, request) => {
  const headers = crossOriginHeaders(request, process.env["ALLOWED_ORIGINS"]);
  if (headers === null) {
    return foreignOriginResponse(request);
  }
  headers.set("Access-Control-Allow-Methods", "POST, OPTIONS");
  headers.set("Access-Control-Allow-Headers", "Content-Type, Authorization, Accept");
  headers.set("Access-Control-Max-Age", String(preflightSeconds));
  return new Response(null, { status: 204, headers });
});

async function claim(ctx: ActionCtx, request: DriveRequest): Promise<Driven> {
  const { driverToken } = request;
  if (request.kind === "turn") {
    const answer = await claimRunOfTurn(ctx, { turn: request.turn, driverToken });
    if (answer.kind === "refused") {
      throw new NotDriven(answer.turn, answer.error);
    }
    return answer;
  }
  try {
    return {
      run: await claimRun(ctx, { streamId: request.streamId, driverToken, by: "driver" }),
      turn: null,
    };
  } catch (thrown) {
    const error = appErrorOf(thrown);
    throw error === null ? thrown : new NotDriven(null, error);
  }
}

function bodyFormat(request: Request, { run, turn }: Driven) {
  const wantsEvents = request.headers.get("Accept")?.includes("text/event-stream") ?? false;
  if (!wantsEvents) {
    return plainTextFormat((run.persistedFrom ?? 0) === 0 ? run.persistedText : null);
  }
  return turn === null ? sseFormat : sseFormatOfTurn(turn);
}
