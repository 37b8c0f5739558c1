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

/** What the last call of a run carries beside its outcome: what is not persisted yet is so with that call. */
export interface LastWords {
  /** The reply, or the end of a very long one, and how long all of it is. */
  text: string;
  length: number;
  /** So much of it is certainly persisted. */
  persistedLength: number;
  /** Thoughts behind those that are certainly persisted, which end at `from`. */
  reasoning: { from: number; thoughts: Thought[] };
}

export interface ReplyOutcome {
  usage: (Usage & { estimated: boolean }) | null;
  costUsd: number | null;
}

export type ReplyEnd = ReplyOutcome &
  (
    | { status: "complete" | "stopped"; finishReason: FinishReason | null }
    | { status: "failed"; error: { kind: ProviderErrorKind; message: string } }
  );

/** A response that its provider goes on with by itself, and where in the reply's text and reasoning it began. */
export interface NotedResponse {
  id: string;
  from: number;
  reasoningFrom: number;
}

/**
 * Every function rejects with a `RunLostError` when the run is no longer the pump's; other rejections may
 * pass.
 */
export interface RunStore {
  append(from: number, text: string): Promise<RunAnswer>;
  appendReasoning(from: number, thoughts: Thought[]): Promise<void>;
  /** The response that whoever takes the run up may resume. */
  noteResponse(response: NotedResponse): Promise<void>;
  heartbeat(): Promise<RunAnswer>;
  poll(): Promise<"go" | "stop" | "gone">;
  /** Ends the run. May be called again: what is persisted already, or ended already, stays as it is. */
  end(end: ReplyEnd, last: LastWords): Promise<void>;
  /** Gives a run that is not finished to another action. It is no longer the pump's from then on. */
  handOn(last: LastWords): Promise<void>;
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

/** The end carries the whole text, so that nobody has to read it, unless it is longer than this. */
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
    noteResponse: async (response) => {
      await call(ctx.runMutation(internal.responses.note, { token, response }));
    },
    heartbeat: async () => await call(ctx.runMutation(internal.runs.heartbeat, { token })),
    poll: async () => await call(ctx.runQuery(internal.runs.poll, { token })),
    end: async (end, last) => {
      const words = { ...endOfReply(last), ...lastThoughts(last) };
      if (end.status === "failed") {
        const { usage, costUsd, error } = end;
        const failure = { token, ...words, usage, costUsd, error };
        await call(ctx.runMutation(internal.runs.fail, failure), endTimeoutMs);
      } else {
        await call(ctx.runMutation(internal.runs.finish, { token, ...end, ...words }), endTimeoutMs);
      }
    },
    handOn: async (last) => {
      const rest = { from: last.persistedLength, text: restOf(last), ...lastThoughts(last) };
      await call(ctx.runMutation(internal.runs.handOn, { token, ...rest }), endTimeoutMs);
    },
  };
}

function endOfReply(last: LastWords): { text: string; length?: number } {
  const { text, length } = last;
  const isGiven = length <= maxTextAtEnd && text.length === length;
  return isGiven ? { text } : { text: restOf(last), length };
}

/** What may not be persisted yet. */
function restOf({ text, length, persistedLength }: LastWords): string {
  return text.slice(text.length - (length - persistedLength));
}

function lastThoughts({ reasoning }: LastWords) {
  return reasoning.thoughts.length === 0 ? {} : { reasoning };
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
