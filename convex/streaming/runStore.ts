/** The transactions of one run, as its pump calls them. */
import { internal } from "../_generated/api.js";
import type { ActionCtx } from "../_generated/server.js";
import { appErrorOf } from "../model/appError.ts";
import type { FinishReason, Usage } from "../providers/provider.ts";
import type { ProviderErrorKind } from "../shared/errors.ts";
import type { Clock } from "./clock.ts";
import type { Thought } from "./reasoningBatcher.ts";

export interface RunAnswer {
  stop: boolean;
  leaseMs: number;
}

export interface ReplyOutcome {
  /** The reply, or the end of a very long one, and how long all of it is. */
  text: string;
  length: number;
  usage: (Usage & { estimated: boolean }) | null;
  costUsd: number | null;
}

export type ReplyEnd = ReplyOutcome &
  (
    | { status: "complete" | "stopped"; finishReason: FinishReason | null }
    | { status: "failed"; error: { kind: ProviderErrorKind; message: string } }
  );

/**
 * Every function rejects with a `RunLostError` when the run is no longer the pump's; other rejections may
 * pass.
 */
export interface RunStore {
  append(from: number, text: string): Promise<RunAnswer>;
  appendReasoning(from: number, thoughts: Thought[]): Promise<void>;
  heartbeat(): Promise<RunAnswer>;
  poll(): Promise<"go" | "stop" | "gone">;
  end(end: ReplyEnd): Promise<void>;
  /** Gives a run that is not finished to another action. It is no longer the pump's from then on. */
  handOn(): Promise<void>;
}

/** The run was taken from this pump, or has to be given up by it. Nothing may be written after it. */
export class RunLostError extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options);
    this.name = "RunLostError";
  }
}

/**
 * All calls may be made again, so one that hangs is better given up: its pump would otherwise wait for ever.
 */
const callTimeoutMs = 5_000;

/** The end carries the whole text, unless it is longer than this: what is persisted is then the reply. */
const endTimeoutMs = 10_000;
const maxTextAtEnd = 500_000;

/** The store of the run that was claimed with `token`. */
export function convexRunStore(
  ctx: Pick<ActionCtx, "runMutation" | "runQuery">,
  token: string,
  clock: Clock,
): RunStore {
  const call = async <Result>(request: Promise<Result>, timeoutMs = callTimeoutMs): Promise<Result> =>
    await lostIfRefused(answerInTime(request, timeoutMs, clock));
  return {
    append: async (from, text) => await call(ctx.runMutation(internal.runs.append, { token, from, text })),
    appendReasoning: async (from, thoughts) => {
      await call(ctx.runMutation(internal.reasoning.append, { token, from, thoughts }));
    },
    heartbeat: async () => await call(ctx.runMutation(internal.runs.heartbeat, { token })),
    poll: async () => await call(ctx.runQuery(internal.runs.poll, { token })),
    end: async ({ text: known, length, ...end }) => {
      const isGiven = length <= maxTextAtEnd && known.length === length;
      const text = isGiven ? { text: known } : { text: "", length };
      if (end.status === "failed") {
        const { usage, costUsd, error } = end;
        const failure = { token, ...text, usage, costUsd, error };
        await call(ctx.runMutation(internal.runs.fail, failure), endTimeoutMs);
      } else {
        await call(ctx.runMutation(internal.runs.finish, { token, ...end, ...text }), endTimeoutMs);
      }
    },
    handOn: async () => {
      await call(ctx.runMutation(internal.runs.handOn, { token }), endTimeoutMs);
    },
  };
}

async function answerInTime<Result>(
  request: Promise<Result>,
  timeoutMs: number,
  clock: Clock,
): Promise<Result> {
  return await new Promise<Result>((resolve, reject) => {
    const cancelTimer = clock.setTimer(() => {
      reject(new Error(`The database has not answered for ${timeoutMs} ms.`));
    }, timeoutMs);
    request.then(resolve, reject).finally(cancelTimer);
  });
}

/** Whatever the rules refuse they refuse again: only failures without an `AppError` may pass. */
async function lostIfRefused<Result>(request: Promise<Result>): Promise<Result> {
  try {
    return await request;
  } catch (error) {
    const refusal = appErrorOf(error);
    throw refusal === null ? error : new RunLostError(refusal.message, { cause: error });
  }
}
