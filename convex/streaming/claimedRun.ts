/**
 * Claiming a run from an action, and producing its reply: what the driven and the undriven way have in
 * common.
 */
import { internal } from "../_generated/api.js";
import type { ActionCtx } from "../_generated/server.js";
import { appError, appErrorOf } from "../model/appError.ts";
import type { PromptTurn } from "../model/promptContext.ts";
import type { TurnRequest } from "../model/turnRequest.ts";
import { costUsd } from "../providers/cost.ts";
import { createProvider } from "../providers/createProvider.ts";
import { modelOfRun } from "../providers/modelChoice.ts";
import { asProviderError, ProviderError } from "../providers/provider.ts";
import type { Provider } from "../providers/provider.ts";
import type { AppError } from "../shared/errors.ts";
import type { Turn } from "../shared/streamEvents.ts";
import { systemClock } from "./clock.ts";
import type { Lease } from "./leaseKeeper.ts";
import { ReplyPump } from "./replyPump.ts";
import type { ReplySink } from "./replySink.ts";
import { convexRunStore, RunLostError } from "./runStore.ts";
import type { NotedResponse } from "./runStore.ts";

export interface ClaimedRun {
  token: string;
  lease: Lease;
  attempt: number;
  model: string;
  /** The beginning of the reply, from an earlier attempt; of a very long one the end of that, from `persistedFrom` on. */
  persistedText: string;
  persistedFrom?: number;
  /** UTF-16 units of reasoning that an earlier attempt persisted. */
  reasoningLength?: number;
  /** What an earlier attempt asked for, and its provider may go on with. */
  response?: NotedResponse;
  turns: PromptTurn[];
}

type Claimed = Omit<ClaimedRun, "token" | "lease"> & { leaseMs: number };
type ClaimAnswer = Claimed | { refusal: AppError };

/**
 * Claims the run of a stream for this action. Rejects with the `ConvexError`s of `runs.claim`, and with
 * `tooManyRequests` where it has to wait for its turn.
 */
export async function claimRun(
  ctx: ActionCtx,
  claim: { streamId: string; driverToken?: string | undefined; by: "driver" | "server" },
): Promise<ClaimedRun> {
  const token = crypto.randomUUID();
  const askedAt = systemClock.now();
  const answer: ClaimAnswer = await untilAnswered(
    async () => await ctx.runMutation(internal.runs.claim, { ...claim, token }),
  );
  if ("refusal" in answer) {
    throw appError(answer.refusal);
  }
  return claimedRun(token, askedAt, answer);
}

/**
 * Begins a turn and claims its run for this action, in one transaction. Rejects where there is no turn, with the
 * `ConvexError`s of `beginRequestedTurn`.
 */
export async function claimRunOfTurn(
  ctx: ActionCtx,
  request: { turn: TurnRequest; driverToken: string | undefined },
): Promise<{ turn: Turn } & ({ kind: "claimed"; run: ClaimedRun } | { kind: "refused"; error: AppError })> {
  const token = crypto.randomUUID();
  const askedAt = systemClock.now();
  const ask = async () => await ctx.runMutation(internal.turns.beginAndClaim, { ...request, token });
  // A chat that is asked for without a name for the request would be made a second time.
  const answer = request.turn.clientRequestId === undefined ? await ask() : await untilAnswered(ask);
  return answer.kind === "refused" ? answer : { ...answer, run: claimedRun(token, askedAt, answer.run) };
}

/** Asks once more when the answer was lost: the token names the claim, which may be granted by now. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (appErrorOf(error) !== null) {
      throw error;
    }
    console.warn("A claim was not answered and is made again.", error);
    return await ask();
  }
}

function claimedRun(token: string, askedAt: number, { leaseMs, ...claimed }: Claimed): ClaimedRun {
  return { ...claimed, token, lease: { askedAt, leaseMs } };
}

/** Produces the reply of a claimed run, to its end. Never rejects: what is lost is taken up by the reaper. */
export async function produceReply(ctx: ActionCtx, run: ClaimedRun, sink: ReplySink): Promise<void> {
  try {
    await pumpFor(ctx, run, sink).pump();
  } catch (error) {
    if (error instanceof RunLostError) {
      console.warn(`Gave up the run of attempt ${run.attempt}: ${error.message}`);
    } else {
      console.error("The end of a run could not be stored; it will be taken up again.", error);
    }
  }
}

function pumpFor(ctx: ActionCtx, run: ClaimedRun, sink: ReplySink): ReplyPump {
  const { provider, price, ...settings } = providerFor(run.model);
  return new ReplyPump(
    {
      attempt: run.attempt,
      // The claim is the first thing an action does.
      actionBeganAt: run.lease.askedAt,
      lease: run.lease,
      persistedText: run.persistedText,
      persistedFrom: run.persistedFrom ?? 0,
      reasoningLength: run.reasoningLength ?? 0,
      response: run.response,
      request: { model: run.model, turns: run.turns, ...settings },
      costOf: (usage) => (price === null ? null : costUsd(usage, price)),
    },
    { provider, store: convexRunStore(ctx, run.token, systemClock), sink, clock: systemClock },
  );
}

/** A model that became unusable after the message was sent fails its reply like a provider that refuses. */
function providerFor(modelId: string) {
  try {
    const { endpoint, maxOutputTokens, reasons = false, price } = modelOfRun(process.env, modelId);
    return { provider: createProvider(endpoint), maxOutputTokens, reasons, price };
  } catch (error) {
    const refusal = appErrorOf(error);
    const failure = refusal === null ? asProviderError(error) : new ProviderError("auth", refusal.message);
    return { provider: refusingProvider(failure), maxOutputTokens: null, reasons: false, price: null };
  }
}

function refusingProvider(failure: ProviderError): Provider {
  return {
    // eslint-disable-next-line require-yield -- it refuses before the first event
    async *stream() {
      throw failure;
    },
  };
}
