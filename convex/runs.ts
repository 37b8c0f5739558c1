/**
 * The transactions of a run: what its pump, the reaper and the queue call. No provider SDK is loaded here.
 * Long by its validators: an action of an older version calls these functions by their names, which so stay here.
 */
import { v } from "convex/values";
import type { Infer } from "convex/values";
import { internal } from "./_generated/api.js";
import { internalMutation, internalQuery } from "./_generated/server.js";
import type { MutationCtx } from "./_generated/server.js";
import { readableChat } from "./model/access.ts";
import { appError } from "./model/appError.ts";
import { promptContext } from "./model/promptContext.ts";
import { lastThoughtsValidator, reasoningLength } from "./model/replyReasoning.ts";
import type { LastThoughts } from "./model/replyReasoning.ts";
import { needsStreams, noteFailedStep, removeSeal, sealStep } from "./model/replySeal.ts";
import { removeStreams } from "./model/replyStreams.ts";
import { endOfText } from "./model/replyText.ts";
import { persistedLength, tailOfRun } from "./model/replyTail.ts";
import { appendText, heldRun, heartbeatOf, runOfToken, runHandedOnBy } from "./model/runLease.ts";
import * as lifecycle from "./model/runLifecycle.ts";
import { contextTokensOf } from "./providers/catalogue.ts";
import { finishReasonValidator, replyErrorValidator, responseValidator, usageValidator } from "./schema.ts";

/**
 * Runs the reaper takes up in one transaction, which may read and store the text of each; more wait for the
 * next.
 */
const maxReaped = 10;

/** Replies whose sealing the reaper goes on with in one transaction: each step moves up to a megabyte. */
const maxSealed = 3;

/** Streams that are still the only place of their text are looked at again after this time. */
const retryRemovalMs = 60_000;

const maxStreamsRemoved = 20;

/** UTF-16 units of a reply that a claim hands over: more than any model is given of it, and far below an answer's limit. */
const maxTextHandedOver = 500_000;

const leaseValidator = v.object({ stop: v.boolean(), leaseMs: v.number() });

/** All that is needed to go on with a run. */
export const claimedValidator = v.object({
  attempt: v.number(),
  model: v.string(),
  /** The end of what is persisted, and the offset at which it begins: 0 or missing where it is all. */
  persistedText: v.string(),
  persistedFrom: v.optional(v.number()),
  turns: v.array(v.object({ role: v.union(v.literal("user"), v.literal("assistant")), text: v.string() })),
  leaseMs: v.number(),
  /** UTF-16 units of reasoning that earlier attempts persisted. */
  reasoningLength: v.optional(v.number()),
  /** What an earlier attempt asked for, and its provider may go on with. */
  response: v.optional(responseValidator),
});

/**
 * As many runs go on as may, and this one waits for its turn. An answer and not a throw, because what is noted for
 * that must stay.
 */
export const claimRefusedValidator = v.object({
  refusal: v.object({ kind: v.literal("tooManyRequests"), message: v.string(), retryAfterMs: v.number() }),
});

type ClaimAnswer = Infer<typeof claimedValidator> | Infer<typeof claimRefusedValidator>;

const outcome = {
  token: v.string(),
  /** The whole reply, or where `length` says how long that is, its end: all that may not be persisted yet. */
  text: v.string(),
  length: v.optional(v.number()),
  reasoning: v.optional(lastThoughtsValidator),
  usage: v.union(usageValidator, v.null()),
  costUsd: v.union(v.number(), v.null()),
};

/** Gives the run of a stream to exactly one caller, if there is a place for it. */
export const claim = internalMutation({
  args: {
    streamId: v.string(),
    token: v.string(),
    driverToken: v.optional(v.string()),
    by: v.union(v.literal("driver"), v.literal("server")),
  },
  returns: v.union(claimedValidator, claimRefusedValidator),
  handler: async (ctx, { streamId, token, driverToken, by }): Promise<ClaimAnswer> => {
    const run = await ctx.db
      .query("runs")
      .withIndex("by_stream", (q) => q.eq("streamId", streamId))
      .unique();
    if (run === null) {
      throw await refusalWithoutRun(ctx, streamId);
    }
    if (by === "driver" && (await readableChat(ctx, run.chatId)) === null) {
      throw unknownStream();
    }
    const message = await ctx.db.get("messages", run.messageId);
    if (message === null) {
      throw unknownStream();
    }
    const answer = await lifecycle.claimRun(ctx, run, { token, driverToken: driverToken ?? null, by });
    if (answer.kind === "waits") {
      const wait =
        "As many replies as this deployment can write are being written; this one waits for its turn.";
      return {
        refusal: { kind: "tooManyRequests" as const, message: wait, retryAfterMs: answer.retryAfterMs },
      };
    }
    const length = persistedLength(await tailOfRun(ctx, run));
    const persistedText = length > 0 ? await endOfText(ctx, message, maxTextHandedOver) : "";
    const persistedFrom = length - persistedText.length;
    const turns = await promptContext(ctx, message, contextTokensOf(run.model), persistedText);
    const leaseMs = Math.max(0, (answer.run.deadline ?? 0) - Date.now());
    const { attempt, model, response } = run;
    const thoughtLength = await reasoningLength(ctx, streamId);
    const persisted = { persistedText, persistedFrom, reasoningLength: thoughtLength };
    return { attempt, model, ...persisted, turns, leaseMs, ...(response && { response }) };
  },
});

/** Persists a flush: writes what is new from offset `from` on, acknowledges what is there, refuses a gap. */
export const append = internalMutation({
  args: { token: v.string(), from: v.number(), text: v.string() },
  returns: leaseValidator,
  handler: async (ctx, { token, from, text }) => {
    return await appendText(ctx, await heldRun(ctx, token, "append"), from, text);
  },
});

/** Extends the lease while there is nothing to persist. */
export const heartbeat = internalMutation({
  args: { token: v.string() },
  returns: leaseValidator,
  handler: async (ctx, { token }) => {
    return await heartbeatOf(ctx, await heldRun(ctx, token, "heartbeat"));
  },
});

/**
 * What a silent pump asks between heartbeats: may it go on, was it asked to stop, does it hold the run no
 * more?
 */
export const poll = internalQuery({
  args: { token: v.string() },
  returns: v.union(v.literal("go"), v.literal("stop"), v.literal("gone")),
  handler: async (ctx, { token }) => {
    const run = await ctx.db
      .query("runs")
      .withIndex("by_token", (q) => q.eq("token", token))
      .unique();
    if (run === null || run.status !== "running") {
      return "gone";
    }
    return run.stopRequestedAt === null ? "go" : "stop";
  },
});

export const finish = internalMutation({
  args: {
    ...outcome,
    status: v.union(v.literal("complete"), v.literal("stopped")),
    finishReason: v.union(finishReasonValidator, v.null()),
  },
  returns: v.null(),
  handler: async (ctx, { token, ...given }) => {
    await lifecycle.endRun(ctx, await runOfToken(ctx, token), { error: null, ...withLastWords(given) });
    return null;
  },
});

export const fail = internalMutation({
  args: { ...outcome, error: replyErrorValidator },
  returns: v.null(),
  handler: async (ctx, { token, ...given }) => {
    const failure = { ...withLastWords(given), status: "failed" as const, finishReason: null };
    await lifecycle.endRun(ctx, await runOfToken(ctx, token), failure);
    return null;
  },
});

/** The action of the run's pump has lived nearly as long as it may: another one goes on, behind what comes with this. */
export const handOn = internalMutation({
  args: {
    token: v.string(),
    from: v.optional(v.number()),
    text: v.optional(v.string()),
    reasoning: v.optional(lastThoughtsValidator),
  },
  returns: v.null(),
  handler: async (ctx, { token, from = 0, text = "", reasoning = null }) => {
    const handedOn = await runHandedOnBy(ctx, token);
    if (handedOn !== null) {
      await lifecycle.handOnRunAgain(ctx, handedOn);
    } else {
      await lifecycle.handOnRun(ctx, await runOfToken(ctx, token), { from, text, reasoning });
    }
    return null;
  },
});

/** No driver came in time, or one was turned away: the server produces the reply itself. */
export const offerToServer = internalMutation({
  args: { runId: v.id("runs") },
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    const run = await ctx.db.get("runs", runId);
    if (run !== null) {
      await lifecycle.offerRunToServer(ctx, run);
    }
    return null;
  },
});

/** Takes up every run whose deadline has passed, each in a transaction of its own inside this one. */
export const reap = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    const now = Date.now();
    const due = await ctx.db
      .query("runs")
      .withIndex("by_deadline", (q) => q.gt("deadline", 0).lte("deadline", now))
      .take(maxReaped);
    for (const run of due) {
      try {
        await ctx.runMutation(internal.runs.takeUp, { runId: run._id });
      } catch (error) {
        const { failures, retryMs } = await lifecycle.noteFailedTakeUp(ctx, run);
        const what = `The run ${run._id} could not be taken up, ${failures} times in a row.`;
        console.error(`${what} The next try is in ${retryMs / 1_000} s.`, error);
      }
    }
    const isDone = await goOnSealing(ctx, now);
    if (due.length === maxReaped || !isDone) {
      await ctx.scheduler.runAfter(0, internal.runs.reap, {});
    }
    return null;
  },
});

export const takeUp = internalMutation({
  args: { runId: v.id("runs") },
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    const run = await ctx.db.get("runs", runId);
    if (run !== null) {
      await lifecycle.takeUpRun(ctx, run);
    }
    return null;
  },
});

/** One step of moving a reply's text to where it stays; it has the next one made. */
export const seal = internalMutation({
  args: { runId: v.id("runs") },
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    const run = await ctx.db.get("runs", runId);
    if (run !== null) {
      await sealStep(ctx, run);
    }
    return null;
  },
});

/** Deletes what an ended run no longer needs, in small batches: component streams, tail, the run itself. */
export const removeLeftovers = internalMutation({
  args: { runId: v.id("runs") },
  returns: v.null(),
  handler: async (ctx, { runId }) => {
    const run = await ctx.db.get("runs", runId);
    if (run === null) {
      return null;
    }
    const needs = await needsStreams(ctx, runId);
    if (needs === "for now") {
      await ctx.scheduler.runAfter(retryRemovalMs, internal.runs.removeLeftovers, { runId });
      return null;
    }
    const limits = { keepName: true, limit: maxStreamsRemoved };
    const isDone = needs === "for good" || (await removeStreams(ctx, run.messageId, limits));
    if (!isDone) {
      await ctx.scheduler.runAfter(0, internal.runs.removeLeftovers, { runId });
      return null;
    }
    if ((await ctx.db.get("tails", run.tailId)) !== null) {
      await ctx.db.delete("tails", run.tailId);
    }
    await removeSeal(ctx, runId);
    await ctx.db.delete("runs", runId);
    return null;
  },
});

function withLastWords<End extends { text: string; length?: number; reasoning?: LastThoughts }>(end: End) {
  return { ...end, length: end.length ?? end.text.length, reasoning: end.reasoning ?? null };
}

/** Makes the steps whose own schedule was lost. Says whether none is left. */
async function goOnSealing(ctx: MutationCtx, now: number): Promise<boolean> {
  const due = await ctx.db
    .query("seals")
    .withIndex("by_deadline", (q) => q.gt("deadline", 0).lte("deadline", now))
    .take(maxSealed);
  for (const seal of due) {
    try {
      await ctx.runMutation(internal.runs.seal, { runId: seal.runId });
    } catch (error) {
      const { failures, retryMs } = await noteFailedStep(ctx, seal);
      const next =
        retryMs === null ? "Its streams keep it for good." : `The next try is in ${retryMs / 1_000} s.`;
      const what = `The text of the run ${seal.runId} could not be moved from its streams, ${failures} times in a row.`;
      console.error(`${what} ${next}`, error);
    }
  }
  return due.length < maxSealed;
}

async function refusalWithoutRun(ctx: MutationCtx, streamId: string) {
  const name = await ctx.db
    .query("replyStreams")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .unique();
  return name !== null && (await readableChat(ctx, name.chatId)) !== null
    ? appError({ kind: "runTaken", message: "This reply has ended." })
    : unknownStream();
}

function unknownStream() {
  return appError({ kind: "notFound", message: "There is no reply with this stream id." });
}
