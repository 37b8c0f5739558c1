/**
 * `[demo key=value …]` in the last user message steers one reply: how long, how fast, and in which way it fails.
 * The table in demo/README.md is for people; the one below is what is accepted.
 */
import { RefusedRequest } from "./conversation.ts";

export interface Directives {
  /** Exact length of the whole reply in tokens; null: as long as it turns out. */
  tokens: number | null;
  /** Tokens a second; 0: as fast as the reader takes them. */
  rate: number | null;
  firstTokenMs: number | null;
  /** Tokens of reasoning before the text. */
  think: number;
  /** Wait after so many tokens of reasoning until `POST /control/release`, in every attempt. */
  holdThought: number | null;
  /** Destroy the connection after so many tokens. */
  cutAfter: number | null;
  /** Fall silent after so many tokens, until the client goes. */
  stallAfter: number | null;
  /** Send the provider's mid-stream error after so many tokens. */
  errorAfter: number | null;
  /** Wait after so many tokens until `POST /control/release`. */
  holdAfter: number | null;
  /** The same after each so many tokens but the last. */
  holdEvery: number | null;
  /** The same where so many tokens of the whole reply are out, in every attempt that comes by. */
  holdAt: number[];
  /** An HTTP status, or `context` for "this conversation is too long". */
  refuse: number | "context" | null;
  /** How many requests about this conversation meet the faults above, `holdAt` apart; null: every first attempt, no continuation. */
  failTimes: number | null;
  /** A continuation first repeats so many characters. */
  overlap: number;
  text: "markdown" | "plain";
  unicode: boolean;
  /** Surrogate pairs all through the text, and tokens that end inside them, as those of some models do. */
  halves: boolean;
  finish: "stop" | "length" | "content_filter";
  /** What becomes of a response in the background that is asked for again: it is not known, or may not be streamed. */
  replay: "whole" | "unknown" | "tooOld";
  /** Cut the response's bytes into pieces of this size, without regard for characters or events. */
  chunk: number | null;
}

const noDirectives: Directives = {
  tokens: null,
  rate: null,
  firstTokenMs: null,
  think: 0,
  holdThought: null,
  cutAfter: null,
  stallAfter: null,
  errorAfter: null,
  holdAfter: null,
  holdEvery: null,
  holdAt: [],
  refuse: null,
  failTimes: null,
  overlap: 0,
  text: "markdown",
  unicode: false,
  halves: false,
  finish: "stop",
  replay: "whole",
  chunk: null,
};

const parsers: { [K in keyof Directives]: (value: string) => Directives[K] | undefined } = {
  tokens: count,
  rate: amount,
  firstTokenMs: amount,
  think: count,
  holdThought: count,
  cutAfter: count,
  stallAfter: count,
  errorAfter: count,
  holdAfter: count,
  holdEvery: (value) => count(value) || undefined,
  holdAt: counts,
  refuse: (value) => (value === "context" ? value : /^[45]\d\d$/.test(value) ? Number(value) : undefined),
  failTimes: count,
  overlap: count,
  text: (value) => oneOf(value, ["markdown", "plain"]),
  unicode: flag,
  halves: flag,
  replay: (value) => oneOf(value, ["whole", "unknown", "tooOld"]),
  finish: (value) => oneOf(value, ["stop", "length", "content_filter"]),
  chunk: (value) => count(value) || undefined,
};

const directivePattern = /\[demo((?:\s+[A-Za-z]+=[^\s\]]+)+)\s*\]/g;

/** The message without its directives. */
export function withoutDirectives(message: string): string {
  return message.replace(directivePattern, "").trim();
}

/** @throws RefusedRequest (400) for a key or value that means nothing, so that a mistyped test fails. */
export function parseDirectives(message: string): Directives {
  const directives = { ...noDirectives };
  for (const match of message.matchAll(directivePattern)) {
    for (const pair of (match[1] ?? "").trim().split(/\s+/)) {
      const at = pair.indexOf("=");
      setDirective(directives, pair.slice(0, at), pair.slice(at + 1));
    }
  }
  return directives;
}

function setDirective(directives: Directives, key: string, value: string): void {
  if (!Object.hasOwn(parsers, key)) {
    throw new RefusedRequest(400, `[demo ${key}=…]: known are ${Object.keys(parsers).join(", ")}`);
  }
  const parsed = parsers[key as keyof Directives](value);
  if (parsed === undefined) {
    throw new RefusedRequest(400, `[demo ${key}=${value}]: not a value of ${key}`);
  }
  Object.assign(directives, { [key]: parsed });
}

function count(value: string): number | undefined {
  return /^\d{1,7}$/.test(value) ? Number(value) : undefined;
}

function counts(value: string): number[] | undefined {
  const parsed = value.split(",").map(count);
  return parsed.every((number) => number !== undefined) ? parsed : undefined;
}

function amount(value: string): number | undefined {
  return /^\d{1,6}(\.\d+)?$/.test(value) ? Number(value) : undefined;
}

function flag(value: string): boolean | undefined {
  return /^[01]$/.test(value) ? value === "1" : undefined;
}

function oneOf<T extends string>(value: string, known: readonly T[]): T | undefined {
  return known.find((candidate) => candidate === value);
}
