import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { internal } from "../../convex/_generated/api.js";
import type { Doc, Id } from "../../convex/_generated/dataModel.js";
import { appErrorOf } from "../../convex/model/appError.ts";
import { offerRunToServer, revokeRun, stopRun } from "../../convex/model/runLifecycle.ts";
import { describeRefusal, runStates, runTable } from "../../convex/model/runTable.ts";
import type { RunEvent, RunStep } from "../../convex/model/runTable.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import type { RunStatus } from "../../convex/shared/streamEvents.ts";
import {
  append,
  claim,
  createBackend,
  createChat,
  fail,
  finish,
  rowsOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

beforeEach(() => {
  vi.stubEnv("MAX_CONCURRENT_RUNS", "1");
});

afterEach(() => {
  vi.unstubAllEnvs();
});

type Run = Doc<"runs">;

interface Case {
  backend: Backend;
  run: Run;
}

/** What the row of the run must say so that the event is this one, whatever state it is in. */
const facts: Record<RunEvent, Partial<Run>> = {
  claim: {},
  claimWithoutPlace: {},
  claimRepeated: { token: "own" },
  claimRenewed: { token: "own", driverToken: "driver" },
  append: { token: "own" },
  heartbeat: { token: "own" },
  finish: { token: "own" },
  finishStopped: { token: "own" },
  fail: { token: "own" },
  handOn: { token: "own" },
  handOnAfterStop: { token: "own", stopRequestedAt: 1 },
  handOnRepeated: { handedOnBy: "earlier" },
  stop: {},
  stopRepeated: { stopRequestedAt: 1 },
  offer: {},
  deadlinePassed: { deadline: 1, deaths: 0 },
  deadlinePassedAfterStop: { deadline: 1, stopRequestedAt: 1 },
  deadlinePassedLastLife: { deadline: 1, deaths: 1 },
  deadlinePassedLastStart: { deadline: 1, deaths: 0, starts: 15 },
  deadlinePassedLastTry: { deadline: 1, failedTakeUps: 5 },
  remove: {},
};

const takeUp = async ({ backend, run }: Case) =>
  await backend.mutation(internal.runs.takeUp, { runId: run._id });

const claimAs =
  (token: string, driverToken?: string) =>
  async ({ backend, run: { streamId } }: Case) =>
    await claim(backend, { streamId, token, ...(driverToken === undefined ? {} : { driverToken }) });

const handOnAs =
  (token: string) =>
  async ({ backend }: Case) =>
    await backend.mutation(internal.runs.handOn, { token });

/** The event as the rest of the backend brings it about. */
const happenings: Record<RunEvent, (on: Case) => Promise<unknown>> = {
  claim: claimAs("new"),
  claimWithoutPlace: claimAs("new"),
  claimRepeated: claimAs("own"),
  claimRenewed: claimAs("new", "driver"),
  append: async ({ backend }) => await append(backend, "own", 0, "Hi"),
  heartbeat: async ({ backend }) => await backend.mutation(internal.runs.heartbeat, { token: "own" }),
  finish: async ({ backend }) => await finish(backend, "own", ""),
  finishStopped: async ({ backend }) => await finish(backend, "own", "", "stopped"),
  fail: async ({ backend }) => await fail(backend, "own", "", { kind: "unknown", message: "" }),
  handOn: handOnAs("own"),
  handOnAfterStop: handOnAs("own"),
  handOnRepeated: handOnAs("earlier"),
  stop: async ({ backend, run }) => await backend.run(async (ctx) => await stopRun(ctx, run)),
  stopRepeated: async ({ backend, run }) => await backend.run(async (ctx) => await stopRun(ctx, run)),
  offer: async ({ backend, run }) => await backend.run(async (ctx) => await offerRunToServer(ctx, run)),
  deadlinePassed: takeUp,
  deadlinePassedAfterStop: takeUp,
  deadlinePassedLastLife: takeUp,
  deadlinePassedLastStart: takeUp,
  deadlinePassedLastTry: takeUp,
  remove: async ({ backend, run }) => await backend.run(async (ctx) => await revokeRun(ctx, run)),
};

/** Brings the run of a new chat into the state, as it comes about. */
const arrivals: Record<RunStatus, (backend: Backend, streamId: string) => Promise<void>> = {
  queued: async () => {},
  running: async (backend, streamId) => {
    await claim(backend, { streamId, token: "own", driverToken: "driver" });
  },
  recovering: async (backend, streamId) => {
    await claim(backend, { streamId, token: "earlier" });
    await backend.mutation(internal.runs.handOn, { token: "earlier" });
  },
  complete: async (backend, streamId) => {
    await claim(backend, { streamId, token: "own" });
    await finish(backend, "own", "");
  },
  stopped: async (backend, streamId) => {
    await claim(backend, { streamId, token: "own" });
    await finish(backend, "own", "", "stopped");
  },
  failed: async (backend, streamId) => {
    await claim(backend, { streamId, token: "own" });
    await fail(backend, "own", "", { kind: "unknown", message: "" });
  },
  interrupted: async (backend, streamId) => {
    for (const token of ["first", "second"]) {
      await claim(backend, { streamId, token, by: "server" });
      vi.setSystemTime(Date.now() + 15_000);
      await backend.mutation(internal.runs.reap, {});
    }
  },
};

async function caseOf(state: RunStatus, event: RunEvent): Promise<Case> {
  const backend = createBackend();
  const { streamId } = await createChat(backend);
  await arrivals[state](backend, streamId);
  const [run] = await rowsOf(backend, "runs");
  expect(run?.status).toBe(state);
  await backend.run(async (ctx) => {
    await ctx.db.patch("runs", run!._id, facts[event]);
    if (event === "claimWithoutPlace") {
      await giveAllPlacesAway(ctx.db, run!._id);
    }
  });
  return { backend, run: (await rowsOf(backend, "runs"))[0]! };
}

/** The only place is another run's, and so the queue has not started this one. */
async function giveAllPlacesAway(db: BackendDb, runId: Id<"runs">) {
  for (const row of await db.query("serverQueue").take(10)) {
    await db.patch("serverQueue", row._id, { state: "waiting" });
  }
  for (const place of await db.query("runPlaces").take(10)) {
    await db.delete("runPlaces", place._id);
  }
  const { _id, _creationTime, ...other } = (await db.get("runs", runId))!;
  const otherId = await db.insert("runs", { ...other, streamId: "another", token: null, deadline: null });
  await db.insert("runPlaces", { runId: otherId, number: 0 });
}

type BackendDb = Parameters<Parameters<Backend["run"]>[0]>[0]["db"];

/** All that a refused or ignored event could have changed. */
async function rowsAround({ backend, run }: Case) {
  return {
    run: await backend.run(async (ctx) => await ctx.db.get("runs", run._id)),
    messages: await rowsOf(backend, "messages"),
    texts: await rowsOf(backend, "messageTexts"),
    tails: await rowsOf(backend, "tails"),
    streams: await rowsOf(backend, "replyStreams"),
    queue: await rowsOf(backend, "serverQueue"),
    places: await rowsOf(backend, "runPlaces"),
  };
}

type Rows = Awaited<ReturnType<typeof rowsAround>>;

function unchanged(before: Rows, after: Rows) {
  expect(after).toEqual(before);
}

function startedByQueue({ queue }: Rows) {
  expect(queue).toMatchObject([{ state: "started" }]);
}

function withoutHolder({ run }: Rows) {
  expect(run?.token).toBeNull();
}

/** What the step is to have done, apart from the status. */
const effects: Record<RunStep["do"], (before: Rows, after: Rows) => void> = {
  refuse: unchanged,
  ignore: unchanged,
  answer: unchanged,
  take: (_, { run, places }) => {
    expect(["new", "own"]).toContain(run?.token);
    expect(places).toMatchObject([{ runId: run?._id }]);
  },
  wait: (_, { messages, queue }) => {
    expect(messages.find(({ reply }) => reply !== null)?.reply?.waitsForPlace).toBe(true);
    expect(queue).toHaveLength(1);
  },
  write: (_, { tails }) => {
    expect(tails[0]?.flushes).toEqual(["Hi"]);
  },
  extend: (before, { run, tails }) => {
    expect(run?.deadline).toBeGreaterThanOrEqual(before.run?.deadline ?? 0);
    expect(tails).toEqual(before.tails);
  },
  end: (_, { texts }) => {
    expect(texts.at(-1)?.text).toBe("");
  },
  seal: (_, after) => {
    withoutHolder(after);
    expect(after.texts.at(-1)?.text).toBe("");
  },
  abandon: (_, after) => {
    withoutHolder(after);
    const reply = after.messages.find((row) => row._id === after.run?.messageId)?.reply;
    expect(reply?.error?.message).toContain("could neither go on");
  },
  askToStop: (_, { run }) => {
    expect(run).toMatchObject({ stopRequestedAt: Date.now(), deadline: Date.now() + 3_000 });
  },
  leaveToServer: (_, after) => startedByQueue(after),
  queueAgain: (_, after) => startedByQueue(after),
  recover: ({ run }, after) => {
    startedByQueue(after);
    withoutHolder(after);
    expect(after.run).toMatchObject({ attempt: run!.attempt + 1, deaths: run!.deaths! + 1 });
  },
  handOn: ({ run }, after) => {
    startedByQueue(after);
    withoutHolder(after);
    const { deaths } = run!;
    expect(after.run).toMatchObject({ attempt: run!.attempt + 1, deaths, handedOnBy: "own" });
  },
  revoke: (_, after) => withoutHolder(after),
};

const noPlace = {
  kind: "tooManyRequests",
  message: "As many replies as this deployment can write are being written; this one waits for its turn.",
  retryAfterMs: 5_000,
};

function refusalOf(step: RunStep): unknown {
  switch (step.do) {
    case "refuse":
      return { kind: "runTaken", message: describeRefusal(step.because) };
    case "wait":
      return noPlace;
    default:
      return null;
  }
}

/** That the run, its reply and its tail say the same, and that whoever has ended holds nothing. */
function agreementOf({ run, messages, tails, queue, places }: Rows, step: RunStep) {
  const shown = messages.find((row) => row._id === run?.messageId)?.reply?.status;
  // A removed reply is gone with its chat: nobody is told how it ended.
  const said = step.do === "revoke" ? [] : [shown, tails[0]?.status];
  const holds = { deadline: run?.deadline, queue, places };
  return { statuses: [run?.status, ...said], holds: hasEnded(run!.status) ? holds : null };
}

describe.each(runStates)("a run that is %s", (state) => {
  const events = Object.entries(runTable[state]) as [RunEvent, RunStep][];
  test.each(events)("does as the table says on %s", async (event, step) => {
    const on = await caseOf(state, event);
    const before = await rowsAround(on);
    const refusal = await happenings[event](on).then(
      () => null,
      (thrown: unknown) => appErrorOf(thrown) ?? thrown,
    );
    expect(refusal).toEqual(refusalOf(step));
    const after = await rowsAround(on);
    effects[step.do](before, after);
    const status = "to" in step ? step.to : state;
    const { statuses, holds } = agreementOf(after, step);
    expect(new Set(statuses)).toEqual(new Set([status]));
    const isUntouched = effects[step.do] === unchanged;
    const nothing = hasEnded(status) ? { deadline: null, queue: [], places: [] } : null;
    expect(isUntouched ? null : holds).toEqual(isUntouched ? null : nothing);
    expect(isUntouched || hasEnded(status) || after.run!.deadline! > Date.now()).toBe(true);
  });
});

test("no event leads out of an end, and every other state has a way to one", () => {
  for (const state of runStates) {
    const targets = Object.values(runTable[state]).flatMap((step) => ("to" in step ? [step.to] : []));
    expect(hasEnded(state) ? targets.length === 0 : targets.some(hasEnded)).toBe(true);
  }
});
