/**
 * Names the query or mutation that this thread runs, in memory that outlives the thread: when it dies for lack of memory,
 * whoever starts the next one knows which call it was, and that call is refused for a while instead of ending thread
 * after thread (a subscription asks again as soon as it can).
 */
import type { FunctionCall } from "../protocol/calls.ts";
import { isThreadEnding } from "./timeGuard.ts";

type CallName = Pick<FunctionCall, "componentPath" | "name" | "argsJson">;

/** A call whose thread has died of it. */
export interface FatalCall {
  key: string;
  /** Time of day. */
  untilMs: number;
}

export const runningCallBytes = 4_096;
/** Of the text, and number of the run. */
const headBytes = 8;
const encoder = new TextEncoder();

/** As Convex says it. */
export function outOfMemory(maxMemoryMb: number): string {
  return `JavaScript execution ran out of memory (maximum memory usage: ${maxMemoryMb} MB)`;
}

export class RunningCall {
  readonly #head: Int32Array;
  readonly #text: Uint8Array;
  readonly #fatal: FatalCall | null;
  readonly #nowMs: () => number;
  #runs = 0;

  constructor(memory: SharedArrayBuffer, fatal: FatalCall | null, nowMs: () => number) {
    this.#head = new Int32Array(memory, 0, 2);
    this.#text = new Uint8Array(memory, headBytes);
    this.#fatal = fatal;
    this.#nowMs = nowMs;
  }

  isFatal(call: CallName): boolean {
    return this.#fatal !== null && this.#nowMs() < this.#fatal.untilMs && keyOf(call) === this.#fatal.key;
  }

  during<Result>(call: CallName, run: () => Result): Result {
    this.#runs = (this.#runs % 1_000_000_000) + 1;
    this.#head[0] = encoder.encodeInto(keyOf(call), this.#text).written;
    this.#head[1] = this.#runs;
    try {
      return run();
    } finally {
      if (!isThreadEnding()) this.#head.fill(0);
    }
  }
}

/** What ran when the thread died; null when it ran no function. */
export function runningCallIn(memory: SharedArrayBuffer): string | null {
  const length = new Int32Array(memory, 0, 1)[0]!;
  return length === 0 ? null : Buffer.from(new Uint8Array(memory, headBytes, length)).toString("utf8");
}

/** Number of the run that goes on; 0 while there is none. */
export function currentRunIn(memory: SharedArrayBuffer): number {
  return new Int32Array(memory, 0, 2)[1]!;
}

/** Long arguments are told apart by their beginning and length. */
function keyOf({ componentPath, name, argsJson }: CallName): string {
  const key = `${componentPath} ${name} ${argsJson.length} ${argsJson}`;
  return key.length <= 1_000 ? key : key.slice(0, 1_000);
}
