/**
 * One resumable response and the pumps that read it, each of which dies and leaves the reply to the next. The dead go
 * on as far as they can: some hear nothing any more, some hear that the run is not theirs.
 */
import { ReplyPump } from "../../../convex/streaming/replyPump.ts";
import { convexRunStore, RunLostError } from "../../../convex/streaming/runStore.ts";
import type { RunStore } from "../../../convex/streaming/runStore.ts";
import { WellFormedText } from "../../../convex/streaming/wellFormedText.ts";
import { BackgroundModel } from "./backgroundModel.ts";
import type { BackgroundStep } from "./backgroundModel.ts";
import { wholeText } from "./pumpWorld.ts";
import { SimClock } from "./simClock.ts";
import { SimDatabase } from "./simDatabase.ts";
import type { CallFate } from "./simDatabase.ts";

export interface ResumeScenario {
  /** What the reply begins with: an earlier version that is continued. */
  persistedText: string;
  steps: readonly BackgroundStep[];
  fates: readonly CallFate[];
  deaths: readonly { afterMs: number; gapMs: number; hears: "nothing" | "that it lost the run" }[];
}

export interface ResumeOutcome {
  model: BackgroundModel;
  db: SimDatabase;
  /** The place of each unit of reasoning, in order. */
  places: number[];
  violations: string[];
}

const latestEndMs = 10 * 60_000;

export async function runResumeScenario(scenario: ResumeScenario): Promise<ResumeOutcome> {
  const clock = new SimClock();
  const model = new BackgroundModel(clock, scenario.steps);
  const violations: string[] = [];
  const places: number[] = [];
  let db = new SimDatabase(clock, scenario.fates, scenario.persistedText, "");
  for (const [index, death] of [...scenario.deaths, null].entries()) {
    const life = live(clock, model, db, index + 1, scenario.persistedText, violations);
    if (death === null) {
      await clock.runUntil(() => life.hasEnded(), clock.now() + latestEndMs);
      break;
    }
    const diesAt = clock.now() + death.afterMs;
    await clock.runUntil(() => life.hasEnded(), diesAt);
    if (life.hasEnded()) break;
    life.die(death.hears);
    places.push(...db.places);
    const { text, reasoning, response } = db;
    await clock.runUntil(() => false, clock.now() + death.gapMs);
    // What the dead still write goes into a database that nobody reads.
    db = new SimDatabase(clock, scenario.fates, text, reasoning);
    db.response = response;
  }
  places.push(...db.places);
  return { model, db, places, violations };
}

/** What the reply has to be, and where its thoughts have to stand. */
export function expectedReply({ persistedText, steps }: ResumeScenario) {
  const text = new WellFormedText();
  const thoughts = new WellFormedText();
  let said = "";
  let length = 0;
  const places: number[] = [];
  for (const step of steps) {
    if (step.kind === "text") {
      said += step.text;
      length += text.push(step.text).length;
    } else if (step.kind === "reasoning") {
      places.push(...Array.from(thoughts.push(step.text).split(""), () => length));
    }
  }
  const thought = steps.map((step) => (step.kind === "reasoning" ? step.text : "")).join("");
  return { text: wholeText(persistedText, said), reasoning: wholeText("", thought), places };
}

function live(
  clock: SimClock,
  model: BackgroundModel,
  db: SimDatabase,
  attempt: number,
  before: string,
  violations: string[],
) {
  let fate: "alive" | "nothing" | "that it lost the run" = "alive";
  let isOver = false;
  const whole = () => wholeText(before, model.said());
  db.onChange = () => {
    if (!whole().startsWith(db.text)) {
      violations.push(`at ${clock.now()} ms, attempt ${attempt}: persisted is not what was said`);
    }
  };
  const pump = new ReplyPump(
    {
      attempt,
      actionBeganAt: clock.now(),
      lease: { askedAt: clock.now(), leaseMs: 15_000 },
      persistedText: db.text,
      persistedFrom: 0,
      reasoningLength: db.reasoning.length,
      response: db.response ?? undefined,
      request: { model: "sim", turns: [{ role: "user", text: "Go." }], maxOutputTokens: null },
      costOf: () => null,
    },
    {
      provider: model,
      store: mortal(convexRunStore(db.ctx, "token", clock), () => fate),
      clock,
      sink: { send: () => {}, ping: () => {}, close: () => {} },
    },
  );
  void pump.pump().then(
    () => (isOver = true),
    () => (isOver = true),
  );
  return {
    hasEnded: () => isOver && fate === "alive",
    die(hears: "nothing" | "that it lost the run") {
      fate = hears;
    },
  };
}

/** A store whose pump may be dead: its calls then come to nothing, or tell it so. */
function mortal(store: RunStore, fate: () => "alive" | "nothing" | "that it lost the run"): RunStore {
  const through = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (fate() === "that it lost the run") {
      throw new RunLostError("Somebody else has the run.");
    }
    return await (fate() === "alive" ? call() : new Promise<Result>(() => {}));
  };
  return {
    append: async (from, text) => await through(() => store.append(from, text)),
    appendReasoning: async (from, thoughts) => await through(() => store.appendReasoning(from, thoughts)),
    noteResponse: async (response) => await through(() => store.noteResponse(response)),
    heartbeat: async () => await through(() => store.heartbeat()),
    poll: async () => await through(() => store.poll()),
    end: async (end, last) => await through(() => store.end(end, last)),
    handOn: async (last) => await through(() => store.handOn(last)),
  };
}
