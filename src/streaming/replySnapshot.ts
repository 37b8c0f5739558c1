/** What a reply's store takes from the database, and what it shows to the page. */
import type { ProviderErrorKind } from "../../convex/shared/errors.ts";
import type { LiveReasoning } from "./mergeReasoning.ts";
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

/** What the hook must read from the database for this reply at the moment. */
export type ReplyFeed = "none" | "tail" | "tailAndBody" | "body";

export interface ReplySnapshot {
  text: string;
  /** An end is told only together with the whole text, so that nobody takes a part for the reply. */
  status: RunStatus;
  /** What the stream said of its failure; the database says the same a moment later. */
  error: { kind: ProviderErrorKind; message: string } | null;
  role: "driver" | "spectator";
  feed: ReplyFeed;
  /** False until something certain is known of the text, be it that there is none. */
  textKnown: boolean;
  /** What this client heard of the model's thoughts as the driver. */
  reasoning: LiveReasoning | null;
  /** The last that this client heard, and may still believe, was a thought. */
  isThinking: boolean;
}

export interface ReplyHead {
  status: RunStatus;
  attempt: number;
}

export interface ReplyTail {
  attempt: number;
  from: number;
  text: string;
}

export interface ReplyBody {
  text: string;
  status: "pending" | "streaming" | "done" | "error" | "timeout";
}
