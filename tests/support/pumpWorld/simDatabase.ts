/**
 * The run's transactions in memory, by the rules of `convex/runs.ts` and `convex/reasoning.ts`, behind a network that
 * delays, fails, and loses what it is told to.
 */
import { ConvexError } from "convex/values";
import { getFunctionName } from "convex/server";
import type { Thought } from "../../../convex/streaming/reasoningBatcher.ts";
import type { convexRunStore } from "../../../convex/streaming/runStore.ts";
import type { NotedResponse } from "../../../convex/streaming/runStore.ts";
import type { SimClock } from "./simClock.ts";

/** What happens to one call. `lost`: applied, and its answer never comes; `silent`: neither. */
export interface CallFate {
  kind: "answered" | "fails" | "failsAfterApplying" | "lost" | "silent";
  delayMs: number;
}

const leaseMs = 15_000;
const stopGraceMs = 3_000;

interface Args {
  from?: number;
  text?: string;
  thoughts?: Thought[];
  length?: number;
  reasoning?: { from: number; thoughts: Thought[] };
  status?: "complete" | "stopped";
  response?: NotedResponse;
}

export class SimDatabase {
  text: string;
  reasoning: string;
  /** Places of the units of `reasoning`. */
  places: number[] = [];
  status: "running" | "complete" | "stopped" | "failed" | "handedOn" | "taken" = "running";
  endText: string | null = null;
  response: NotedResponse | null = null;
  stopRequestedAt: number | null = null;
  /** Nothing is answered until then. */
  downUntil = 0;
  /** Called after each change. */
  onChange = () => {};
  private readonly clock: SimClock;
  private readonly fates: readonly CallFate[];
  private calls = 0;

  constructor(clock: SimClock, fates: readonly CallFate[], text: string, reasoning: string) {
    this.clock = clock;
    this.fates = fates;
    this.text = text;
    this.reasoning = reasoning;
  }

  readonly ctx = {
    runMutation: async (reference: Parameters<typeof getFunctionName>[0], args: Args) =>
      await this.call(getFunctionName(reference), args),
    runQuery: async (reference: Parameters<typeof getFunctionName>[0], args: Args) =>
      await this.call(getFunctionName(reference), args),
  } as unknown as Parameters<typeof convexRunStore>[0];

  private async call(name: string, args: Args): Promise<unknown> {
    const fate = this.fates[this.calls++ % Math.max(1, this.fates.length)] ?? {
      kind: "answered",
      delayMs: 0,
    };
    await this.clock.wait(fate.delayMs);
    if (fate.kind === "silent" || this.clock.now() < this.downUntil) {
      return await new Promise(() => {});
    }
    if (fate.kind === "fails") {
      throw new Error("The network failed.");
    }
    const answer = this.apply(name, args);
    this.onChange();
    if (fate.kind === "failsAfterApplying") {
      throw new Error("The network failed after the call.");
    }
    await (fate.kind === "lost" ? new Promise(() => {}) : this.clock.wait(fate.delayMs / 2));
    return answer;
  }

  private apply(name: string, args: Args): unknown {
    switch (name) {
      case "runs:append":
        this.requireRun();
        this.text = extended(this.text, args.from ?? 0, args.text ?? "");
        return this.lease();
      case "reasoning:append":
        this.requireRun();
        this.appendReasoning(args.from ?? 0, args.thoughts ?? []);
        return null;
      case "responses:note":
        this.requireRun();
        this.response = args.response ?? null;
        return null;
      case "runs:heartbeat":
        this.requireRun();
        return this.lease();
      case "runs:poll":
        return this.status !== "running" ? "gone" : this.stopRequestedAt === null ? "go" : "stop";
      case "runs:finish":
        return this.end(args.status ?? "complete", args);
      case "runs:fail":
        return this.end("failed", args);
      case "runs:handOn":
        if (this.status === "handedOn") return null;
        this.requireRun();
        this.keepLast(args.from ?? 0, args);
        this.status = "handedOn";
        return null;
      default:
        throw new Error(`The pump called ${name}.`);
    }
  }

  private appendReasoning(from: number, thoughts: Thought[]): void {
    const places = thoughts.flatMap(({ place, text }) => Array.from({ length: text.length }, () => place));
    const known = this.reasoning.length - from;
    this.reasoning = extended(this.reasoning, from, thoughts.map(({ text }) => text).join(""));
    this.places.push(...places.slice(known));
  }

  private end(status: "complete" | "stopped" | "failed", args: Args): null {
    if (this.status === status) {
      return null;
    }
    this.requireRun();
    const { text = "", length = text.length } = args;
    this.keepLast(length - text.length, args);
    if (length !== this.text.length) {
      throw refusal("internal");
    }
    this.status = status;
    this.endText = text.length === length ? text : null;
    return null;
  }

  private keepLast(from: number, { text = "", reasoning }: Args): void {
    this.text = extended(this.text, from, text);
    if (reasoning !== undefined) {
      this.appendReasoning(reasoning.from, reasoning.thoughts);
    }
  }

  private requireRun(): void {
    if (this.status !== "running") {
      throw refusal("runTaken");
    }
  }

  private lease() {
    const left =
      this.stopRequestedAt === null ? leaseMs : this.stopRequestedAt + stopGraceMs - this.clock.now();
    return { stop: this.stopRequestedAt !== null, leaseMs: Math.max(0, Math.min(leaseMs, left)) };
  }
}

function extended(before: string, from: number, text: string): string {
  if (from > before.length) {
    throw refusal("internal");
  }
  return before + text.slice(before.length - from);
}

function refusal(kind: "runTaken" | "internal") {
  return new ConvexError({ kind, message: "Refused." });
}
