/** Mutations that arrive together: one COMMIT for all of them, and nothing of any outside before it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { CommittedResult } from "../../../embedded/protocol/calls.ts";
import type { MutationRequest } from "../../../embedded/protocol/engine.ts";
import { appCode, call, EngineFixture, functions, valueOf } from "../../support/engineFixture.ts";
import { WatchedDatabase } from "../../support/watchedDatabase.ts";

const APP = {
  "m.ts": functions(`
    export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
    export const jobs = query(async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect()).length);
    export const add = mutation(async (ctx, { text, table = "notes" }) => {
      await ctx.db.insert(table, { text });
      return (await ctx.db.query(table).collect()).length;
    });
    export const addLater = mutation(async (ctx, { text }) => {
      await ctx.scheduler.runAfter(0, anyApi.m.add, { text });
      await ctx.scheduler.runAfter(0, anyApi.m.act, {});
    });
    export const act = action(async () => null);
    export const addAndThrow = mutation(async (ctx, { text }) => {
      await ctx.db.insert("notes", { text });
      throw new Error("no " + text);
    });
    export const newest = mutation(async (ctx) => (await ctx.db.query("notes").order("desc").first())?.text ?? null);
    export const fill = mutation(async (ctx) => {
      for (let n = 0; n < 60; n++) await ctx.db.insert("notes", { text: "x".repeat(100_000) });
    });
  `),
};

let fixture: EngineFixture;
let database: WatchedDatabase;

beforeEach(async () => {
  fixture = await EngineFixture.with(
    await appCode(APP),
    {},
    (path) => (database = new WatchedDatabase(path)),
  );
  database.commits = 0;
});
afterEach(() => fixture.close());

function run(name: string, args: unknown = {}, request?: MutationRequest): Promise<CommittedResult> {
  return fixture.engine.runMutation(call(`m:${name}`, args), request);
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test("mutations that arrive together share one commit, each with a timestamp of its own, in their order", async () => {
  const heard: bigint[] = [];
  fixture.engine.onCommit(({ ts }) => heard.push(ts));
  const runs = await Promise.all(["a", "b", "c"].map((text) => run("add", { text })));
  expect(database.commits).toBe(1);
  expect(runs.map(({ result }) => valueOf(result))).toEqual([1, 2, 3]);
  const stamps = runs.map(({ ts }) => ts);
  expect(stamps).toEqual([...new Set(stamps)].toSorted((a, b) => (a < b ? -1 : 1)));
  expect(heard).toEqual(stamps);
  expect(fixture.engine.latestTs()).toBe(stamps.at(-1));
  expect(await fixture.query("m:texts")).toEqual(["a", "b", "c"]);
});

test("before the commit is durable nobody is answered or told, and nothing is logged", async () => {
  const { engine } = fixture;
  const before = engine.latestTs();
  const { cursor } = await engine.completionsAfter(0, 0);
  const seen: string[] = [];
  let atCommit: unknown;
  let logged: Promise<{ entries: unknown[] }> | null = null;
  engine.onCommit(() => seen.push("told"));
  database.beforeCommit = () => {
    atCommit = [...seen, engine.latestTs() === before];
    logged = engine.completionsAfter(cursor, 0);
  };
  const answers = ["a", "b"].map((text) => run("add", { text }).then(() => seen.push("answered")));
  await Promise.all(answers);
  expect(atCommit).toEqual([true]);
  expect((await logged!).entries).toEqual([]);
  expect(seen).toEqual(["told", "told", "answered", "answered"]);
});

test("a lone mutation is committed as soon as the event loop has gone round", async () => {
  const order: string[] = [];
  const committed = run("add", { text: "lone" }).then(() => order.push("committed"));
  await turn();
  await turn();
  order.push("two turns");
  await committed;
  expect(order).toEqual(["committed", "two turns"]);
});

test("a flood is committed in batches of bounded size", async () => {
  await Promise.all(Array.from({ length: 600 }, () => run("newest")));
  expect(database.commits).toBe(0);
  await Promise.all(Array.from({ length: 600 }, (_, n) => run("add", { text: "", table: `t${n % 50}` })));
  expect(database.commits).toBe(3);
});

test("a batch is not kept open for longer than 10 ms, nor for more than one large transaction", async () => {
  let nowMs = 0;
  fixture.monotonicMs = () => (nowMs += 4);
  await Promise.all(Array.from({ length: 6 }, (_, n) => run("add", { text: String(n) })));
  expect(database.commits).toBe(2);
  fixture.monotonicMs = () => nowMs;
  await Promise.all(Array.from({ length: 6 }, () => run("fill")));
  expect(database.commits).toBe(4);
});

test("a mutation that throws is undone alone", async () => {
  const [first, failed, last] = await Promise.all([
    run("add", { text: "kept" }),
    run("addAndThrow", { text: "undone" }),
    run("add", { text: "kept too" }),
  ]);
  expect(failed.result).toMatchObject({ status: "error" });
  expect([valueOf(first.result), valueOf(last.result)]).toEqual([1, 2]);
  expect(database.commits).toBe(1);
  expect(await fixture.query("m:texts")).toEqual(["kept", "kept too"]);
});

test("a query never sees what is not durable: the batch is committed before it", async () => {
  const adding = run("add", { text: "seen" });
  expect(database.commits).toBe(0);
  const [seen] = await fixture.engine.runQueries([call("m:texts")]);
  expect(database.commits).toBe(1);
  expect(valueOf(seen!.result)).toEqual(["seen"]);
  expect(seen!.ts).toBe((await adding).ts);
});

test("a commit that fails fails every call of the batch, and leaves everything as it was", async () => {
  await run("add", { text: "before" });
  const { engine } = fixture;
  const [ts, tables] = [engine.latestTs(), engine.listTables("")];
  const heard: unknown[] = [];
  engine.onCommit((commit) => heard.push(commit));
  database.failCommits();
  const ends = await Promise.allSettled([
    run("add", { text: "lost" }),
    run("add", { text: "lost", table: "unheardOf" }),
    run("addLater", { text: "never runs" }),
    run("addAndThrow", { text: "threw by itself" }),
    run("newest"),
  ]);
  for (const end of ends) {
    expect(end).toMatchObject({
      status: "rejected",
      reason: { code: "Unavailable", message: expect.stringContaining("database or disk is full") as string },
    });
  }
  database.beforeCommit = () => undefined;
  expect([engine.latestTs(), engine.listTables(""), heard]).toEqual([ts, tables, []]);
  expect([await fixture.query("m:texts"), await fixture.query("m:jobs")]).toEqual([["before"], 0]);
  expect((await engine.completionsAfter(0, 0)).entries.slice(-7, -2).map(({ error }) => error)).toEqual(
    ends.map(() => expect.stringContaining("nothing of this call was stored") as string),
  );
  expect(valueOf((await run("add", { text: "after", table: "unheardOf" })).result)).toBe(1);
  expect(engine.latestTs()).toBeGreaterThan(ts);
});

test("a disk that is full in the middle of a mutation fails the batch, not the engine", async () => {
  await run("add", { text: "before" });
  const pages = Number(database.get("PRAGMA page_count")?.["page_count"]);
  database.get(`PRAGMA max_page_count = ${pages + 100}`);
  const ends = await Promise.allSettled([run("add", { text: "small" }), run("fill"), run("fill")]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(ends.map((end) => String((end as PromiseRejectedResult).reason))).toEqual(
    ends.map(() => expect.stringContaining("full") as string),
  );
  expect(await fixture.query("m:texts")).toEqual(["before"]);
  await run("add", { text: "fits" });
  database.get("PRAGMA max_page_count = 1000000");
  await run("fill");
  expect((await fixture.query("m:texts")) as string[]).toHaveLength(62);
});

test("a replay in the same batch finds the first run", async () => {
  const request = { sessionId: "s", requestId: 1 };
  const [first, replay] = await Promise.all([
    run("add", { text: "once" }, request),
    run("add", { text: "once" }, request),
  ]);
  expect(replay).toEqual(first);
  expect(await fixture.query("m:texts")).toEqual(["once"]);
});

test("a replay of a mutation whose batch failed runs it", async () => {
  const request = { sessionId: "s", requestId: 1 };
  database.failCommits();
  const ends = await Promise.allSettled([
    run("add", { text: "once" }, request),
    run("add", { text: "once" }, request),
  ]);
  expect(ends.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  database.beforeCommit = () => undefined;
  const first = await run("add", { text: "once" }, request);
  expect(await run("add", { text: "once" }, request)).toEqual(first);
  expect(await fixture.query("m:texts")).toEqual(["once"]);
});

test("what is open when the engine closes is committed", async () => {
  const adding = run("add", { text: "last" });
  await fixture.reopen();
  await adding;
  expect(await fixture.query("m:texts")).toEqual(["last"]);
});

test("a client is never told a timestamp that a restart could go behind", async () => {
  const fresh = new EngineFixture();
  const ts = fresh.engine.latestTs();
  fresh.timers.nowMs = () => 0;
  await fresh.reopen();
  expect(fresh.engine.latestTs()).toBe(ts);
  await fresh.close();
});
