/** When each token of a reply goes out, and how a reply that has to fail does so. Owns timers, knows no wire format. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ReplyPlan } from "./replyPlan.ts";

export interface PacingDefaults {
  tokensPerSecond: number;
  firstTokenMs: number;
}

export type PacedEvent =
  | { kind: "thought"; text: string }
  | { kind: "token"; text: string }
  | { kind: "finish" }
  /** Destroy the connection. */
  | { kind: "cut" }
  /** Send the provider's mid-stream error. */
  | { kind: "error" };

/**
 * Yields the plan's tokens at their time. Ends early, without `finish`, when `signal` aborts.
 * `release` settles when a reply on hold may go on, `unread` when its readers have gone; `isFaulty` is false for an attempt
 * that is to succeed.
 */
export async function* paceReply(
  plan: ReplyPlan,
  defaults: PacingDefaults,
  faults: {
    isFaulty: boolean;
    /** A reply that is cut goes on, and one that stalled does when its readers have gone. */
    goesOnUnread: boolean;
    unread: () => Promise<void>;
    release: () => Promise<void>;
  },
  signal: AbortSignal,
): AsyncGenerator<PacedEvent, void> {
  const { directives, tokens } = plan;
  const tokensPerSecond = directives.rate ?? defaults.tokensPerSecond;
  const msPerToken = tokensPerSecond === 0 ? 0 : 1000 / tokensPerSecond;
  let dueAtMs = performance.now() + (directives.firstTokenMs ?? defaults.firstTokenMs);
  for (const [thought, text] of plan.thoughts.entries()) {
    if (thought === directives.holdThought) {
      await Promise.race([faults.release(), aborted(signal)]);
      dueAtMs = performance.now();
    }
    await until(dueAtMs, signal);
    if (signal.aborted) {
      return;
    }
    yield { kind: "thought", text };
    dueAtMs += msPerToken;
  }
  for (let sent = 0; sent <= tokens.length; sent++) {
    if (faults.isFaulty) {
      const fault = faultAfter(sent, plan);
      if (fault === "stall") {
        await Promise.race([faults.unread(), aborted(signal)]);
        dueAtMs = performance.now();
      } else if (fault !== null) {
        yield { kind: fault };
        if (fault === "error" || !faults.goesOnUnread) {
          return;
        }
      }
    }
    if ((faults.isFaulty && holdsAfter(sent, plan)) || holdsAt(sent, plan)) {
      await Promise.race([faults.release(), aborted(signal)]);
      dueAtMs = performance.now();
    }
    await until(dueAtMs, signal);
    if (signal.aborted) {
      return;
    }
    const text = tokens[sent];
    yield text === undefined ? { kind: "finish" } : { kind: "token", text };
    dueAtMs += msPerToken;
  }
}

function holdsAfter(sent: number, { directives: { holdAfter, holdEvery }, tokens }: ReplyPlan): boolean {
  if (sent === holdAfter) {
    return true;
  }
  return holdEvery !== null && sent > 0 && sent < tokens.length && sent % holdEvery === 0;
}

/** A continuation begins where the reply broke off, and comes by the places that are after it. */
function holdsAt(sent: number, { directives, tokens, tokensBefore }: ReplyPlan): boolean {
  return sent <= tokens.length && directives.holdAt.includes(tokensBefore + sent);
}

function faultAfter(sent: number, { directives }: ReplyPlan): "cut" | "error" | "stall" | null {
  switch (sent) {
    case directives.cutAfter:
      return "cut";
    case directives.errorAfter:
      return "error";
    case directives.stallAfter:
      return "stall";
    default:
      return null;
  }
}

async function until(dueAtMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = dueAtMs - performance.now();
  if (waitMs >= 1) {
    // The only rejection is the abort, which the caller looks at next.
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await once(signal, "abort");
  }
}
