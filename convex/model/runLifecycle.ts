/**
 * Carries out what the table in `runTable` says is to become of a run. All functions run inside one mutation of the
 * caller. Somewhat long, because the steps of one table are carried out in one place.
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { appError } from "./appError.ts";
import { growReply } from "./replyGrowth.ts";
import { keepLastThoughts } from "./replyReasoning.ts";
import type { LastThoughts } from "./replyReasoning.ts";
import { removeSeal } from "./replySeal.ts";
import { isOld, openNextStream } from "./replyStreams.ts";
import { persistedLength, tailOfRun } from "./replyTail.ts";
import { abandonRun, endWithPersistedText, endWithText } from "./runEnding.ts";
import type { Outcome } from "./runEnding.ts";
import { leaseEnd, stopGraceMs } from "./runLease.ts";
import { maxConcurrentRuns, takePlace } from "./runPlaces.ts";
import { cancelResponse } from "./runResponse.ts";
import {
  claimEvent,
  deadlineEvent,
  deathsOf,
  describeRefusal,
  endEvent,
  handOnEvent,
  runTable,
  stopEvent,
} from "./runTable.ts";
import type { RunEvent, RunStep } from "./runTable.ts";
import { enqueue, enqueueAgain, leaveQueue, passToDriver, passToServer } from "./serverQueue.ts";
import type { QueueAnswer } from "./serverQueue.ts";
import { requireRoomToWait } from "./waitingBound.ts";

export { liveRuns } from "./runEnding.ts";

/** How long a run waits for its driver: a slow phone must keep its live stream. */
const driverGraceMs = 10_000;

/** A run that waits is looked at again this long after, should the queue have forgotten it. */
const waitingMs = 60_000;

/** What cannot be taken up must not keep the reaper from the others, and a fault that passes must not cost much. */
const firstTakeUpRetryMs = 10_000;
const maxTakeUpRetryMs = 60 * 60_000;

/** When a driver that found no place may ask again. */
const placeRetryMs = 5_000;

type Run = Doc<"runs">;

export interface RunClaim {
  token: string;
  driverToken: string | null;
  by: "driver" | "server";
}

export type ClaimAnswer = { kind: "claimed"; run: Run } | { kind: "waits"; retryAfterMs: number };

export interface RunEnd extends Outcome {
  status: "complete" | "stopped" | "failed";
  /** The end of the reply, or all of it, which has `length` units. */
  text: string;
  length: number;
  /** Thoughts that are not persisted yet. */
  reasoning: LastThoughts | null;
}

/** What the holder of a run had not persisted when it handed it on. */
export interface HandedOnText {
  from: number;
  text: string;
  reasoning: LastThoughts | null;
}

/**
 * Inserts the queued run of a new reply and the rescue for the case that no driver comes. Throws `tooManyRequests`
 * where too many wait, and `internal` where the deployment's own number of runs cannot be read.
 */
export async function queueRun(
  ctx: MutationCtx,
  reply: { chatId: Id<"chats">; messageId: Id<"messages">; streamId: string; model: string },
): Promise<void> {
  maxConcurrentRuns(process.env);
  const ownerId = (await ctx.db.get("chats", reply.chatId))?.ownerId ?? "";
  await requireRoomToWait(ctx, ownerId);
  const now = Date.now();
  const tailId = await ctx.db.insert("tails", {
    streamId: reply.streamId,
    chatId: reply.chatId,
    attempt: 1,
    from: 0,
    flushes: [],
    streamBytes: 0,
    status: "queued",
  });
  const runId = await ctx.db.insert("runs", {
    ...reply,
    ownerId,
    tailId,
    status: "queued",
    attempt: 1,
    deaths: 0,
    token: null,
    driverToken: null,
    openStream: { streamId: reply.streamId, index: 0, from: 0, openedAt: now },
    // Twice the grace: the reaper comes only if the scheduled rescue did not.
    deadline: now + 2 * driverGraceMs,
    stopRequestedAt: null,
  });
  await ctx.scheduler.runAfter(driverGraceMs, internal.runs.offerToServer, { runId });
}

/**
 * Gives the run to the caller with `token`, or lets it wait where there is no place. The same caller may ask again,
 * and so may the driver that named its claim, as long as nothing was written since: the pump of its first request then
 * finds its token revoked. Throws `runTaken` otherwise.
 */
export async function claimRun(ctx: MutationCtx, run: Run, claim: RunClaim): Promise<ClaimAnswer> {
  const length = persistedLength(await tailOfRun(ctx, run));
  let event: RunEvent = claimEvent(run, claim, length);
  const isNew = event === "claim" && runTable[run.status].claim.do === "take";
  if (isNew && !(await takePlace(ctx, run._id, maxConcurrentRuns(process.env)))) {
    event = "claimWithoutPlace";
  }
  const step = runTable[run.status][event];
  switch (step.do) {
    case "answer":
      return { kind: "claimed", run };
    case "take":
      return { kind: "claimed", run: await take(ctx, run, claim, length) };
    case "wait":
      await showWaiting(ctx, run, await enqueue(ctx, run._id));
      return { kind: "waits", retryAfterMs: placeRetryMs };
    default:
      throw refusal(step);
  }
}

/** Ends the run for good, as its holder says. Ending it again in the same way is safe. */
export async function endRun(ctx: MutationCtx, run: Run, end: RunEnd): Promise<void> {
  const step = runTable[run.status][endEvent(end.status)];
  if (step.do === "answer") {
    return;
  }
  if (step.do !== "end") {
    throw refusal(step);
  }
  const { status: _, text, length, reasoning, ...outcome } = end;
  await keepLastThoughts(ctx, run, reasoning);
  await endWithText(ctx, run, step.to, { text, length, outcome });
}

/** Gives the run from its holder to the server, whose next action goes on with it behind the holder's last words. */
export async function handOnRun(ctx: MutationCtx, run: Run, last: HandedOnText): Promise<void> {
  const event = handOnEvent(run);
  const step = runTable[run.status][event];
  if (step.do === "refuse") {
    throw refusal(step);
  }
  await keepLastThoughts(ctx, run, last.reasoning);
  const grown = await growReply(ctx, run, last.from, last.text);
  await carryOut(ctx, grown.run, event);
  await ctx.db.patch("runs", run._id, { handedOnBy: run.token ?? undefined });
}

/** The holder that handed the run on asks again. */
export async function handOnRunAgain(ctx: MutationCtx, run: Run): Promise<void> {
  await carryOut(ctx, run, "handOnRepeated");
}

/** Ends a run that nobody holds at once, and asks the holder of any other to end it within three seconds. */
export async function stopRun(ctx: MutationCtx, run: Run): Promise<void> {
  await carryOut(ctx, run, stopEvent(run));
}

/** What the reaper does with a run whose deadline has passed; nothing if it has not. */
export async function takeUpRun(ctx: MutationCtx, run: Run): Promise<void> {
  if (run.deadline !== null && run.deadline <= Date.now()) {
    await carryOut(ctx, run, deadlineEvent(run));
  }
}

/** The reaper could not take the run up, and tries again, later and later. Answers how often that was, and the wait. */
export async function noteFailedTakeUp(
  ctx: MutationCtx,
  run: Run,
): Promise<{ failures: number; retryMs: number }> {
  const failures = (run.failedTakeUps ?? 0) + 1;
  const retryMs = Math.min(maxTakeUpRetryMs, firstTakeUpRetryMs * 2 ** (failures - 1));
  await ctx.db.patch("runs", run._id, { failedTakeUps: failures, deadline: Date.now() + retryMs });
  return { failures, retryMs };
}

/** Leaves a run without driver to the server; nothing if one has come or the run has ended. */
export async function offerRunToServer(ctx: MutationCtx, run: Run): Promise<void> {
  await carryOut(ctx, run, "offer");
}

/** Takes the run from whoever holds it, without an end: its chat is being deleted, and it with it. */
export async function revokeRun(ctx: MutationCtx, run: Run): Promise<void> {
  await carryOut(ctx, run, "remove");
  await removeSeal(ctx, run._id);
}

/** The steps that need nothing but the run. */
async function carryOut(ctx: MutationCtx, run: Run, event: RunEvent): Promise<void> {
  const step = runTable[run.status][event];
  switch (step.do) {
    case "ignore":
    case "answer":
      return;
    case "askToStop":
      await askToStop(ctx, run);
      return;
    case "seal":
      await endWithPersistedText(ctx, run, step.to);
      return;
    case "abandon":
      await abandonRun(ctx, run);
      return;
    case "leaveToServer":
      await leaveToServer(ctx, run);
      return;
    case "queueAgain":
      await queueAgain(ctx, run);
      return;
    case "recover":
      await release(ctx, run, { deaths: deathsOf(run) + 1, rank: "died" });
      return;
    case "handOn":
      await release(ctx, run, { deaths: deathsOf(run), rank: "others" });
      return;
    case "revoke":
      await cancelResponse(ctx, run);
      await ctx.db.patch("runs", run._id, { token: null, status: step.to, deadline: null });
      await leaveQueue(ctx, run._id);
      return;
    case "refuse":
    case "take":
    case "wait":
    case "write":
    case "extend":
    case "end":
      throw refusal(step);
    default:
      step satisfies never;
  }
}

async function take(
  ctx: MutationCtx,
  run: Run,
  { token, driverToken, by }: RunClaim,
  claimedLength: number,
): Promise<Run> {
  await (by === "driver" ? passToDriver(ctx, run._id) : passToServer(ctx, run._id));
  const held = { status: "running" as const, deadline: leaseEnd(run), starts: 0, failedTakeUps: 0 };
  const change = { token, driverToken, claimedLength, ...held };
  await ctx.db.patch("runs", run._id, change);
  await showStatus(ctx, run, "running", run.attempt);
  return { ...run, ...change };
}

async function askToStop(ctx: MutationCtx, run: Run): Promise<void> {
  const stopRequestedAt = Date.now();
  await ctx.db.patch("runs", run._id, { stopRequestedAt, deadline: leaseEnd({ stopRequestedAt }) });
  await ctx.scheduler.runAfter(stopGraceMs, internal.runs.takeUp, { runId: run._id });
}

async function leaveToServer(ctx: MutationCtx, run: Run): Promise<void> {
  const answer = await enqueue(ctx, run._id);
  if (answer !== "started") {
    await ctx.db.patch("runs", run._id, { deadline: Date.now() + waitingMs });
  }
  await showWaiting(ctx, run, answer);
}

/** Nobody has come for the run. Its stream may have got old over that. */
async function queueAgain(ctx: MutationCtx, run: Run): Promise<void> {
  await ctx.db.patch("runs", run._id, { deadline: Date.now() + waitingMs });
  if (isOld(run.openStream)) {
    await openStreamAtEnd(ctx, run, "done");
  }
  const rank = run.status === "recovering" && deathsOf(run) > 0 ? "died" : "others";
  await showWaiting(ctx, run, await enqueueAgain(ctx, run._id, rank));
}

/** Takes the run from its holder for the next attempt, which goes on where the persisted text ends. */
async function release(
  ctx: MutationCtx,
  run: Run,
  { deaths, rank }: { deaths: number; rank: "died" | "others" },
): Promise<void> {
  const attempt = run.attempt + 1;
  await openStreamAtEnd(ctx, run, rank === "died" ? "error" : "done");
  await ctx.db.patch("runs", run._id, {
    status: "recovering",
    attempt,
    deaths,
    token: null,
    driverToken: null,
    deadline: Date.now() + waitingMs,
  });
  await showStatus(ctx, run, "recovering", attempt);
  await showWaiting(ctx, run, await enqueueAgain(ctx, run._id, rank));
}

async function openStreamAtEnd(ctx: MutationCtx, run: Run, closedAs: "done" | "error"): Promise<void> {
  const from = persistedLength(await tailOfRun(ctx, run));
  await ctx.db.patch("runs", run._id, { openStream: await openNextStream(ctx, run, from, closedAs) });
  await ctx.db.patch("tails", run.tailId, { streamBytes: 0 });
}

/** Writes a status that is not an end where readers see it: on the message and on the tail. */
async function showStatus(ctx: MutationCtx, run: Run, status: "running" | "recovering", attempt: number) {
  const message = await ctx.db.get("messages", run.messageId);
  if (message?.reply) {
    const { waitsForPlace: _, ...reply } = message.reply;
    await ctx.db.patch("messages", run.messageId, { reply: { ...reply, status, attempt } });
  }
  await ctx.db.patch("tails", run.tailId, { status, attempt });
}

/** Writes for readers whether the run waits for a place, where that is news. */
async function showWaiting(ctx: MutationCtx, run: Run, answer: QueueAnswer): Promise<void> {
  const waitsForPlace = answer === "waitsForPlace";
  const message = await ctx.db.get("messages", run.messageId);
  if (message?.reply && (message.reply.waitsForPlace ?? false) !== waitsForPlace) {
    await ctx.db.patch("messages", run.messageId, { reply: { ...message.reply, waitsForPlace } });
  }
}

function refusal(step: RunStep) {
  return step.do === "refuse"
    ? appError({ kind: "runTaken", message: describeRefusal(step.because) })
    : appError({ kind: "internal", message: `The step "${step.do}" was asked for in the wrong place.` });
}
