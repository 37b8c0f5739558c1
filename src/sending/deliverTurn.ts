/**
 * Gets one request to the server, whatever becomes of the connection: first with the POST that drives the reply; when
 * that does not answer soon or says nothing certain, also over the database's connection, under the same request id. In a
 * browser whose connections are all taken by other replies both go out at once, and the server writes the reply.
 *
 *   POST ──(head)──────────────────────────────> turn, driving
 *     │└──(refused, and there is a turn)───────> turn, watching or asking again
 *     │└──(refused by the app's rules)─────────> given back
 *     └───(1.5 s, or no connection free; lost, silent, busy)──> mutation ──> turn; the POST may still come and drive
 *                                                         └───> refused: given back, unless the POST still comes
 */
import type { ConvexReactClient } from "convex/react";
import { ConvexError } from "convex/values";
import { api } from "../../convex/_generated/api.js";
import type { AppErrorKind } from "../../convex/shared/errors.ts";
import type { Turn } from "../../convex/shared/streamEvents.ts";
import { chatStreamUrl } from "../deployment.ts";
import type { Refusal } from "../streaming/chatStreamReader.ts";
import { driveReply } from "../streaming/driveReply.ts";
import { areConnectionsTaken } from "../streaming/liveConnections.ts";
import { replyStores } from "../streaming/replyStores.ts";
import { mintToken } from "./clientTokens.ts";
import { beginContinuation } from "./continuedReplies.ts";
import { postTurn, type PostOutcome } from "./postTurn.ts";
import { submitTurn, type TurnRequest } from "./turnRequest.ts";

/** A POST that has no head by now may never get one: the network may be gone, and a proxy may hold it back. */
const HEDGE_AFTER_MS = 1_500;

/** Somebody else has the run. */
const HTTP_CONFLICT = 409;

/** Resolves with the turn as soon as the server has it; rejects when the server will not have it. */
export async function deliverTurn(convex: ConvexReactClient, request: TurnRequest): Promise<Turn> {
  const runToken = mintToken();
  // Asked first, so that the POST is not among those it would have to wait for.
  const isCrowded = areConnectionsTaken();
  const posted: Promise<PostOutcome> = navigator.onLine
    ? postTurn(chatStreamUrl(), request, runToken)
    : Promise.resolve({ kind: "lost" });
  const attempt = { posted, isCrowded, runToken };
  const turn = await firstTurn(attempt, () => submitTurn(convex, request));
  beginContinuation(request, turn.streamId);
  void driveOrLeave(convex, turn, attempt);
  return turn;
}

interface Attempt {
  posted: Promise<PostOutcome>;
  /** Whether the POST has to wait until another reply of this browser has ended. */
  isCrowded: Promise<boolean>;
  runToken: string;
}

function firstTurn({ posted, isCrowded }: Attempt, submit: () => Promise<Turn>): Promise<Turn> {
  return new Promise((resolve, reject) => {
    let isNeeded = true;
    const submitOnce = () => {
      if (!isNeeded) return;
      isNeeded = false;
      submit().then(resolve, (error: unknown) => void posted.then(() => reject(error)));
    };
    const hedge = setTimeout(submitOnce, HEDGE_AFTER_MS);
    void isCrowded.then((mustWait) => {
      if (mustWait) submitOnce();
    });
    void posted.then((outcome) => {
      clearTimeout(hedge);
      const answer = whatIsCertain(outcome);
      if (answer.kind === "nothing") return submitOnce();
      isNeeded = false;
      if (answer.kind === "turn") resolve(answer.turn);
      else reject(answer.error);
    });
  });
}

type Certainty = { kind: "turn"; turn: Turn } | { kind: "refused"; error: Error } | { kind: "nothing" };

function whatIsCertain(outcome: PostOutcome): Certainty {
  if (outcome.kind === "driving") return { kind: "turn", turn: outcome.turn };
  if (outcome.kind !== "refused") return { kind: "nothing" };
  const { turn, error } = outcome.refusal;
  if (turn !== null) return { kind: "turn", turn };
  return error === null || mayPass(error.kind)
    ? { kind: "nothing" }
    : { kind: "refused", error: new ConvexError(error) };
}

/** Whether the same request may be taken the next moment; the rules refuse all else again. */
function mayPass(kind: AppErrorKind): boolean {
  return kind === "internal" || kind === "tooManyRequests" || kind === "runTaken";
}

/** Never rejects: the message is the server's by now, whatever goes wrong in this tab. */
async function driveOrLeave(convex: ConvexReactClient, turn: Turn, attempt: Attempt): Promise<void> {
  try {
    // A POST that gets a connection first still has the run: the server leaves what has begun alone.
    if (await attempt.isCrowded) leaveToServer(convex, turn);
    if (!(await isDrivenBySomebody(turn, attempt))) leaveToServer(convex, turn);
  } catch (error) {
    console.error("This tab could not drive the reply and leaves it to the server.", error);
    leaveToServer(convex, turn);
  }
}

/** Settles when this tab no longer tries; false when, as far as it knows, nobody has begun the reply. */
async function isDrivenBySomebody({ streamId }: Turn, { posted, runToken }: Attempt): Promise<boolean> {
  const store = replyStores.get(streamId);
  const outcome = await posted;
  if (outcome.kind === "driving") return true;
  if (outcome.kind === "silent") return false;
  let refusal = outcome.kind === "refused" ? outcome.refusal : null;
  for (;;) {
    if (refusal !== null) {
      const waitMs = waitMsOf(refusal);
      if (waitMs === null) return refusal.httpStatus === HTTP_CONFLICT;
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (!store.isQueued) return true;
    }
    const driven = await driveReply(store, { url: chatStreamUrl(), streamId, runToken });
    if (driven?.kind !== "refused") return driven === null || store.hasDriven;
    refusal = driven;
  }
}

/** How long until it is worth asking again, if only a place is missing: some more each, so that not all come at once. */
function waitMsOf({ error, turn, httpStatus }: Refusal): number | null {
  if (error?.kind !== "tooManyRequests" || (turn === null && httpStatus !== 503)) return null;
  return error.retryAfterMs * (1 + Math.random() / 2);
}

/** The server would notice by itself that nobody drives this reply, some seconds later. */
function leaveToServer(convex: ConvexReactClient, { messageId }: Turn): void {
  convex.mutation(api.messages.leaveToServer, { messageId }).catch(() => {
    // The chat may be gone by now, or the run taken by somebody else: nothing is left to do for this tab.
  });
}
