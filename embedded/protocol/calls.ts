/** What passes between the threads when a function is called. Everything here is structured-clone-safe. */
import type { ComponentPath } from "./deployedCode.ts";

/** What a function gets from `ctx.auth.getUserIdentity()`. */
export type UserAttributes = Record<string, unknown> & {
  tokenIdentifier: string;
  issuer?: string;
  subject?: string;
};

/** Who calls. An admin may call internal functions and functions inside components. */
export type Caller =
  | { kind: "anonymous" }
  | {
      kind: "user";
      attributes: UserAttributes;
      /** What proved it, and when that ends. */ token: string;
      expiresAtMs: number;
    }
  | { kind: "admin"; impersonating: UserAttributes | null }
  /** The deployment itself: scheduler, crons, calls between functions. Carries the user's attributes where Convex does. */
  | { kind: "system"; attributes: Record<string, unknown> | null; token: string | null };

export interface FunctionCall {
  componentPath: ComponentPath;
  /** Canonical name, "messages.js:send". */
  name: string;
  /** Convex JSON of the arguments object (not the array around it), encoded. */
  argsJson: string;
  caller: Caller;
}

/** A log line as the CLI prints it: "[LOG] 'text'". */
export type LogLine = string;

export type FunctionResult =
  | { status: "success"; /** Convex JSON, encoded. */ valueJson: string; logLines: LogLine[] }
  | {
      status: "error";
      message: string;
      /** Convex JSON, encoded, of a ConvexError's data; absent for any other error. */
      dataJson?: string;
      logLines: LogLine[];
    };

export interface CommittedResult {
  result: FunctionResult;
  /** Commit timestamp, or the snapshot the query read. Nanoseconds-like u64, grows across restarts. */
  ts: bigint;
}

/** Usage of one function since the start of the process. Bytes are of documents as stored. */
export interface FunctionUsage {
  componentPath: ComponentPath;
  name: string;
  calls: number;
  errors: number;
  documentsRead: number;
  bytesRead: number;
  documentsWritten: number;
  bytesWritten: number;
  /** Bytes of results sent to subscribers and callers. */
  bytesSent: number;
}

/** One completed call, for `convex logs` and `convex dev`'s function logs. */
export interface FunctionCompletion {
  kind: "query" | "mutation" | "action" | "httpAction";
  componentPath: ComponentPath;
  name: string;
  startedAtMs: number;
  executionMs: number;
  cachedResult: boolean;
  error: string | null;
  logLines: LogLine[];
  requestId: string;
}
