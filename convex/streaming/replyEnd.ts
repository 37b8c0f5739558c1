/** What is stored at the end of a reply: its status, and what it used as far as that is known. */
import { cutAt } from "../model/textPieces.ts";
import { ProviderError } from "../providers/provider.ts";
import type { FinishReason, ProviderRequest, Usage } from "../providers/provider.ts";
import type { ReplyEnd, ReplyOutcome } from "./runStore.ts";

export type Verdict =
  | { kind: "complete"; finishReason: FinishReason }
  | { kind: "stopped" }
  | { kind: "failed"; error: ProviderError };

export interface Produced {
  /** UTF-16 units of the reply in all, and those of them that this run received. */
  length: number;
  newLength: number;
  usage: Usage | null;
  request: ProviderRequest;
  costOf(usage: Usage): number | null;
}

/** UTF-16 units of prose to a token, about. */
const unitsPerToken = 4;

const maxErrorLength = 1_000;

/** A reply without a word is not handed on: it would begin anew, and so for ever. */
export function withoutAWord(afterMs: number): Verdict {
  const message = `The model thought for ${Math.round(afterMs / 60_000)} minutes without a word.`;
  return { kind: "failed", error: new ProviderError("timeout", message) };
}

export function replyEnd(verdict: Verdict, produced: Produced): ReplyEnd {
  switch (verdict.kind) {
    case "complete": {
      const { finishReason } = verdict;
      const outcome = bill(produced, produced.usage, false);
      if (finishReason === "refused" && produced.length === 0) {
        const message = "The model declined to answer this.";
        return { ...outcome, status: "failed", error: { kind: "refused", message } };
      }
      return { ...outcome, status: "complete", finishReason };
    }
    case "stopped":
      return {
        ...bill(produced, estimatedUsage(produced), true),
        status: "stopped",
        finishReason: null,
      };
    case "failed": {
      const { kind, message } = verdict.error;
      const error = { kind, message: cutAt(message.toWellFormed(), maxErrorLength) };
      return { ...bill(produced, estimatedUsage(produced), true), status: "failed", error };
    }
    default:
      return verdict satisfies never;
  }
}

function bill(produced: Produced, usage: Usage | null, estimated: boolean): ReplyOutcome {
  return usage === null
    ? { usage: null, costUsd: null }
    : { usage: { ...usage, estimated }, costUsd: produced.costOf(usage) };
}

/**
 * A reply that broke off never gets its final count: what was counted so far, or a guess, whichever is more.
 */
function estimatedUsage({ newLength, usage, request }: Produced): Usage | null {
  if (newLength === 0 && usage === null) {
    return null;
  }
  const promptLength = request.turns.reduce((sum, turn) => sum + turn.text.length, 0);
  return {
    inputTokens: usage?.inputTokens ?? Math.ceil(promptLength / unitsPerToken),
    outputTokens: Math.max(usage?.outputTokens ?? 0, Math.ceil(newLength / unitsPerToken)),
    cacheReadTokens: usage?.cacheReadTokens ?? 0,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
    reasoningTokens: usage?.reasoningTokens ?? 0,
  };
}
