import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  claimEvent,
  deadlineEvent,
  endEvent,
  handOnEvent,
  runTable,
  stopEvent,
} from "../../convex/model/runTable.ts";
import type { RunEvent, RunFacts, RunStep } from "../../convex/model/runTable.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";

/** A run and its reply, and of both only what the rules are about. */
interface Model {
  run: RunFacts & { deaths: number; claimedLength: number; handedOnBy: string | null };
  written: number;
  hasDeadline: boolean;
}

const tokens = ["t1", "t2", "t3"] as const;
type Token = (typeof tokens)[number];

/** Two of the callers are requests of one driver. */
const driverOf: Record<Token, string | null> = { t1: "driver", t2: "driver", t3: null };

type Action =
  | { kind: "claim"; token: Token; hasPlace: boolean }
  | { kind: "append" | "heartbeat" | "handOn"; token: Token }
  | { kind: "end"; token: Token; status: "complete" | "stopped" | "failed" }
  | { kind: "stop" | "offer" | "deadline" | "remove" };

const token = fc.constantFrom(...tokens);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant("claim"), token, hasPlace: fc.boolean() }) },
  {
    weight: 30,
    arbitrary: fc.record({ kind: fc.constantFrom("append", "heartbeat", "handOn"), token }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("end"),
      token,
      status: fc.constantFrom("complete", "stopped", "failed"),
    }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom("stop", "offer", "deadline", "deadline") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove") }) },
);

function newModel(): Model {
  return {
    run: {
      status: "queued",
      token: null,
      driverToken: null,
      attempt: 1,
      deaths: 0,
      claimedLength: 0,
      stopRequestedAt: null,
      handedOnBy: null,
    },
    written: 0,
    hasDeadline: true,
  };
}

/** The event that the action is; null when its token has nothing to do with the run, which is refused before the table. */
function eventOf({ run, written }: Model, act: Action): RunEvent | null {
  switch (act.kind) {
    case "claim": {
      const event = claimEvent(run, { token: act.token, driverToken: driverOf[act.token] }, written);
      const looksForPlace = event === "claim" && runTable[run.status].claim.do === "take";
      return looksForPlace && !act.hasPlace ? "claimWithoutPlace" : event;
    }
    case "handOn":
      if (run.handedOnBy === act.token) return "handOnRepeated";
      return run.token === act.token ? handOnEvent(run) : null;
    case "append":
    case "heartbeat":
      return run.token === act.token ? act.kind : null;
    case "end":
      return run.token === act.token ? endEvent(act.status) : null;
    case "stop":
      return stopEvent(run);
    case "deadline":
      return deadlineEvent(run);
    case "offer":
    case "remove":
      return act.kind;
    default:
      return act satisfies never;
  }
}

const refused: RunStep = { do: "refuse", because: "notHeld" };

/** Does to the model what the step says, as `runLifecycle` does it to the rows. */
function take(model: Model, act: Action): RunStep {
  const { run } = model;
  const event = eventOf(model, act);
  const step = event === null ? refused : runTable[run.status][event];
  if (act.kind === "handOn" && (step.do === "handOn" || step.do === "seal")) run.handedOnBy = act.token;
  if (step.do === "write") model.written += 1;
  if (step.do === "askToStop") run.stopRequestedAt = 1;
  if (step.do === "take" && act.kind === "claim") {
    run.token = act.token;
    run.driverToken = driverOf[act.token];
    run.claimedLength = model.written;
  }
  if (step.do === "recover" || step.do === "handOn") {
    run.attempt += 1;
    run.deaths += step.do === "recover" ? 1 : 0;
    run.token = null;
    run.driverToken = null;
  }
  if (step.do === "seal" || step.do === "revoke") run.token = null;
  if ("to" in step) {
    run.status = step.to;
    model.hasDeadline = !hasEnded(step.to);
  }
  return step;
}

const manyCases = { numRuns: 3_000 };
const actions = fc.array(action, { minLength: 1, maxLength: 40 });

test("only the token of the last claim that was granted writes, and only until it is taken back", () => {
  fc.assert(
    fc.property(actions, (acts) => {
      const model = newModel();
      let holder: Token | null = null;
      for (const act of acts) {
        const step = take(model, act);
        if (step.do === "take" && act.kind === "claim") holder = act.token;
        const writer = step.do === "write" && act.kind === "append" ? act.token : holder;
        expect(writer).toBe(holder);
        if (model.run.status !== "running") holder = null;
      }
    }),
    manyCases,
  );
});

test("an end is final, and every other state has a deadline", () => {
  fc.assert(
    fc.property(actions, (acts) => {
      const model = newModel();
      for (const act of acts) {
        const before = { status: model.run.status, written: model.written };
        take(model, act);
        const after = { status: model.run.status, written: model.written };
        expect(hasEnded(before.status) ? after : before).toEqual(before);
        expect(model.hasDeadline).toBe(!hasEnded(model.run.status));
      }
    }),
    manyCases,
  );
});

test("a run dies once and goes on, and dies twice and is interrupted, however often it is handed on", () => {
  fc.assert(
    fc.property(actions, (acts) => {
      const model = newModel();
      let handovers = 0;
      for (const act of acts) {
        const step = take(model, act);
        handovers += step.do === "handOn" ? 1 : 0;
        expect(model.run.attempt).toBe(1 + handovers + model.run.deaths);
        expect(model.run.deaths).toBeLessThanOrEqual(1);
        const isInterrupted = step.do === "seal" && step.to === "interrupted";
        expect(!isInterrupted || model.run.deaths === 1).toBe(true);
      }
    }),
    manyCases,
  );
});

test("a call whose answer was lost changes nothing when it is made again, and is not refused", () => {
  const repeatable = new Set<Action["kind"]>(["claim", "end", "handOn", "stop", "remove"]);
  fc.assert(
    fc.property(actions, (acts) => {
      const model = newModel();
      for (const act of acts) {
        const step = take(model, act);
        const isGranted = step.do !== "refuse" && step.do !== "wait";
        if (!repeatable.has(act.kind) || !isGranted) continue;
        const before = structuredClone({ run: model.run, written: model.written });
        const again = take(model, act);
        expect(again.do).not.toBe("refuse");
        expect({ run: model.run, written: model.written }).toEqual(before);
      }
    }),
    manyCases,
  );
});

test("a run that is asked to stop and that nobody ends is stopped by its deadline, from every state", () => {
  fc.assert(
    fc.property(actions, (acts) => {
      const model = newModel();
      acts.forEach((act) => take(model, act));
      const wasLive = !hasEnded(model.run.status);
      take(model, { kind: "stop" });
      take(model, { kind: "deadline" });
      expect(!wasLive || model.run.status === "stopped").toBe(true);
      expect(hasEnded(model.run.status)).toBe(true);
    }),
    manyCases,
  );
});
