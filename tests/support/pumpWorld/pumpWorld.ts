/**
 * One pump on a simulated clock between a scripted model, a database that misbehaves and a driver with habits. Whenever
 * nothing more can happen without time, the rules are looked at; what breaks one is reported with its time.
 */
import type { StreamEvent } from "../../../convex/shared/streamEvents.ts";
import { OverlapRemoval } from "../../../convex/streaming/overlapRemoval.ts";
import { ReplyPump } from "../../../convex/streaming/replyPump.ts";
import { convexRunStore, RunLostError } from "../../../convex/streaming/runStore.ts";
import type { RunStore } from "../../../convex/streaming/runStore.ts";
import { WellFormedText } from "../../../convex/streaming/wellFormedText.ts";
import { SimClock } from "./simClock.ts";
import { SimDatabase } from "./simDatabase.ts";
import type { CallFate } from "./simDatabase.ts";
import { startDriver } from "./simDriver.ts";
import type { DriverHabits, SimDriver } from "./simDriver.ts";
import { SimModel } from "./simModel.ts";
import type { ModelStep } from "./simModel.ts";

export interface Scenario {
  persistedText: string;
  persistedReasoning: string;
  steps: readonly ModelStep[];
  noticesAbort: boolean;
  fates: readonly CallFate[];
  driver: DriverHabits;
  incidents: readonly { atMs: number; kind: "stop" | "taken" | "down"; forMs: number }[];
  actionAgeMs: number;
}

export interface Outcome {
  result: "ended" | RunLostError | Error | "never";
  db: SimDatabase;
  model: SimModel;
  events: StreamEvent[];
  driver: SimDriver;
  /** Start of each flush with what it carried. */
  flushes: { at: number; from: number; text: string }[];
  thoughtFlushes: { at: number; from: number; failed: boolean }[];
  violations: string[];
  endedAt: number;
}

/** A pump works at most as long as an action may, and a little to end. */
const latestEndMs = 27 * 60_000;
const maxAhead = 4_000;
const fenceMs = 10_000;

export async function runScenario(scenario: Scenario): Promise<Outcome> {
  const world = new PumpWorld(scenario);
  return await world.run();
}

/** What a reply is when the model said `said`, behind what was persisted before. */
export function wholeText(persistedText: string, said: string): string {
  const wellFormed = new WellFormedText();
  const overlap = new OverlapRemoval(persistedText);
  const text = overlap.push(wellFormed.push(said) + wellFormed.end());
  return persistedText + text + overlap.end();
}

class PumpWorld {
  private readonly scenario: Scenario;
  private readonly clock = new SimClock();
  private readonly outcome: Outcome;
  private sentText: string;
  private sentReasoning: string;
  private inFlight = { text: 0, reasoning: 0 };
  private lastAcknowledgedAt = 0;
  /** The pump was told that the run is not its own; `knows` as soon as it had the chance to act on that. */
  private lost: "no" | "told" | "knows" = "no";
  private isOver = false;
  private expected = { said: null as string | null, text: "" };

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    const { clock } = this;
    const db = new SimDatabase(clock, scenario.fates, scenario.persistedText, scenario.persistedReasoning);
    this.sentText = scenario.persistedText;
    this.sentReasoning = scenario.persistedReasoning;
    this.outcome = {
      result: "never",
      db,
      model: new SimModel(clock, scenario.steps, scenario.noticesAbort),
      events: [],
      driver: startDriver(clock, scenario.driver, scenario.persistedText),
      flushes: [],
      thoughtFlushes: [],
      violations: [],
      endedAt: 0,
    };
    db.onChange = () => this.look();
    clock.onSettled = () => {
      this.lost = this.lost === "no" ? "no" : "knows";
      this.look();
    };
  }

  async run(): Promise<Outcome> {
    const { outcome, clock, scenario } = this;
    for (const incident of scenario.incidents) {
      clock.setTimer(() => this.happen(incident), incident.atMs);
    }
    void this.newPump()
      .pump()
      .then(
        () => "ended" as const,
        (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
      )
      .then((result) => {
        outcome.result = result;
        outcome.endedAt = clock.now();
        this.isOver = true;
      });
    await clock.runUntil(() => this.isOver, latestEndMs);
    this.look();
    const before = outcome.events.length;
    // Whatever is still under way comes to nothing.
    await clock.runUntil(() => false, clock.now() + 10 * 60_000);
    this.expect(outcome.events.length === before, "the pump sent something after its end");
    return outcome;
  }

  private newPump(): ReplyPump {
    const { scenario, clock, outcome } = this;
    return new ReplyPump(
      {
        attempt: 1,
        actionBeganAt: -scenario.actionAgeMs,
        lease: { askedAt: 0, leaseMs: 15_000 },
        persistedText: scenario.persistedText,
        persistedFrom: 0,
        reasoningLength: scenario.persistedReasoning.length,
        request: { model: "sim", turns: [{ role: "user", text: "Go." }], maxOutputTokens: null },
        costOf: () => null,
      },
      {
        provider: outcome.model,
        store: this.watched(convexRunStore(outcome.db.ctx, "token", clock)),
        clock,
        sink: {
          send: (event) => this.sent(event),
          ping: () => outcome.driver.sink.ping(),
          close: () => outcome.driver.sink.close(),
        },
      },
    );
  }

  private happen({ kind, forMs }: Scenario["incidents"][number]): void {
    const { db } = this.outcome;
    if (kind === "down") {
      db.downUntil = this.clock.now() + forMs;
    } else if (db.status === "running") {
      if (kind === "taken") {
        db.status = "taken";
      } else {
        db.stopRequestedAt ??= this.clock.now();
      }
    }
  }

  private watched(store: RunStore): RunStore {
    const { flushes, thoughtFlushes } = this.outcome;
    return {
      append: async (from, text) => {
        flushes.push({ at: this.clock.now(), from, text });
        this.expect(text.isWellFormed(), `a flush splits a character: ${JSON.stringify(text)}`);
        const { hasFinished } = this.outcome.model;
        this.expect(
          !hasFinished,
          "the last words of a model that has finished are persisted without its end",
        );
        return await this.counted("text", () => this.call(() => store.append(from, text)));
      },
      appendReasoning: async (from, thoughts) => {
        const flush = { at: this.clock.now(), from, failed: true };
        thoughtFlushes.push(flush);
        this.expect(
          thoughts.every(({ text }) => text.isWellFormed()),
          "a flush of reasoning splits a character",
        );
        await this.counted("reasoning", () => this.call(() => store.appendReasoning(from, thoughts)));
        flush.failed = false;
      },
      noteResponse: async (response) => await this.call(() => store.noteResponse(response), false),
      heartbeat: async () => await this.call(() => store.heartbeat()),
      poll: async () => {
        const answer = await this.call(() => store.poll(), false);
        if (answer === "gone") this.tellLost();
        return answer;
      },
      end: async (end, last) => await this.call(() => store.end(end, last), false),
      handOn: async (last) => await this.call(() => store.handOn(last), false),
    };
  }

  private async counted<Result>(what: "text" | "reasoning", call: () => Promise<Result>): Promise<Result> {
    this.inFlight[what] += 1;
    this.expect(this.inFlight[what] === 1, `two flushes of ${what} are under way`);
    try {
      return await call();
    } finally {
      this.inFlight[what] -= 1;
    }
  }

  private async call<Result>(request: () => Promise<Result>, extendsLease = true): Promise<Result> {
    this.expect(this.lost !== "knows" && !this.isOver, "a pump that has lost its run asks the database");
    const askedAt = this.clock.now();
    try {
      const result = await request();
      if (extendsLease && result !== undefined) {
        this.lastAcknowledgedAt = Math.max(this.lastAcknowledgedAt, askedAt);
      }
      return result;
    } catch (error) {
      if (error instanceof RunLostError) this.tellLost();
      throw error;
    }
  }

  /** A run that this pump has ended is gone as well, and the answer to that may come later. */
  private tellLost(): void {
    if (this.outcome.db.status === "taken" && this.lost === "no") {
      this.lost = "told";
    }
  }

  private sent(event: StreamEvent): void {
    const { db, events, driver } = this.outcome;
    events.push(event);
    driver.sink.send(event);
    this.expect(this.lost !== "knows", `a pump that has lost its run sends ${event.kind}`);
    switch (event.kind) {
      case "text":
        this.expectHeld();
        this.expect(event.offset === this.sentText.length, `text at ${event.offset}, not in order`);
        this.expect(event.text.isWellFormed(), "an event splits a character");
        this.sentText += event.text;
        break;
      case "reasoning":
        this.expectHeld();
        this.expect(event.offset === this.sentReasoning.length, `reasoning at ${event.offset}, not in order`);
        this.expect(event.text.isWellFormed(), "an event of reasoning splits a character");
        this.sentReasoning += event.text;
        break;
      case "done":
        this.expect(db.status === event.status, `done as ${event.status} while the run is ${db.status}`);
        this.expect(event.length === db.text.length, "done with another length than the text's");
        break;
      case "error":
        this.expect(db.status === "failed", `an error is sent while the run is ${db.status}`);
        break;
      case "start":
        break;
      default:
        event satisfies never;
    }
    this.look();
  }

  /** What is sent once the run has ended stands in the database. */
  private expectHeld(): void {
    if (["complete", "stopped", "failed", "handedOn"].includes(this.outcome.db.status)) return;
    const silentMs = this.clock.now() - this.lastAcknowledgedAt;
    this.expect(silentMs <= fenceMs, `a pump without an answer for ${silentMs} ms sends text`);
  }

  /** The rules that hold at every moment. */
  private look(): void {
    const { db, model } = this.outcome;
    const whole = this.expectedText();
    this.expect(whole.startsWith(db.text), "the persisted text is not the beginning of what the model said");
    this.expect(whole.startsWith(this.sentText), "the driver's text is not the beginning of what was said");
    this.expect(this.sentText.length - db.text.length <= maxAhead, "the driver is more than 4 kB ahead");
    const thoughts = this.scenario.persistedReasoning + wholeText("", model.said.reasoning);
    this.expect(thoughts.startsWith(db.reasoning), "the persisted reasoning is not what the model thought");
    this.expect(
      thoughts.startsWith(this.sentReasoning),
      "the driver's reasoning is not what the model thought",
    );
  }

  private expectedText(): string {
    const { said } = this.outcome.model;
    if (this.expected.said !== said.text) {
      this.expected = { said: said.text, text: wholeText(this.scenario.persistedText, said.text) };
    }
    return this.expected.text;
  }

  private expect(holds: boolean, rule: string): void {
    if (!holds) {
      this.outcome.violations.push(`at ${this.clock.now()} ms: ${rule}`);
    }
  }
}
