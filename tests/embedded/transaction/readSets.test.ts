import { afterAll, beforeAll, expect, test } from "vitest";

import type { Commit, QueryRun } from "../../../embedded/protocol/engine.ts";
import { appCode, call, EngineFixture, functions, schema, valueOf } from "../../support/engineFixture.ts";

let fixture: EngineFixture;
const ids: Record<string, string> = {};

const APP = {
  "schema.ts": schema(`
    messages: defineTable({ chat: v.string(), n: v.number(), text: v.optional(v.string()) }).index("by_chat", ["chat", "n"]),
    other: defineTable({})`),
  "m.ts": functions(`
    export const add = mutation(async (ctx, { table = "messages", ...fields }) => await ctx.db.insert(table, fields));
    export const edit = mutation(async (ctx, { id, ...fields }) => await ctx.db.patch(id, fields));
    export const remove = mutation(async (ctx, { id }) => await ctx.db.delete(id));
    export const get = query(async (ctx, { id }) => await ctx.db.get(id));
    export const chat = query(async (ctx, { chat }) =>
      await ctx.db.query("messages").withIndex("by_chat", (q) => q.eq("chat", chat)).collect());
    export const newest = query(async (ctx, { chat, count }) =>
      await ctx.db.query("messages").withIndex("by_chat", (q) => q.eq("chat", chat)).order("desc").take(count));
    export const all = query(async (ctx, { table }) => await ctx.db.query(table).collect());
    export const fromTo = query(async (ctx, { from, to }) =>
      await ctx.db.query("messages").withIndex("by_chat", (q) => q.eq("chat", "a").gte("n", from).lt("n", to)).collect());
    export const nothing = query(async () => 1);
  `),
};

beforeAll(async () => {
  fixture = await EngineFixture.with(await appCode(APP));
  for (let n = 1; n <= 5; n++) ids[`a${n}`] = String(await fixture.mutation("m:add", { chat: "a", n }));
  ids["b1"] = String(await fixture.mutation("m:add", { chat: "b", n: 1 }));
});
afterAll(() => fixture.close());

/** Whether the mutation makes the query's result stale. Both run on the shared data; what is added is taken away. */
async function touches(query: [string, unknown], mutation: [string, unknown]): Promise<boolean> {
  const [run] = (await fixture.engine.runQueries([call(...query)])) as [QueryRun];
  const commits: Commit[] = [];
  const stop = fixture.engine.onCommit((commit) => commits.push(commit));
  const { result } = await fixture.engine.runMutation(call(...mutation));
  stop();
  const added = valueOf(result);
  if (mutation[0] === "m:add") await fixture.mutation("m:remove", { id: added });
  return commits.some((commit) => run.reads.isTouchedBy(commit.writes));
}

test("a document read by id is touched by a write of it, not of its neighbours", async () => {
  expect(await touches(["m:get", { id: ids["a1"] }], ["m:edit", { id: ids["a1"], text: "x" }])).toBe(true);
  expect(await touches(["m:get", { id: ids["a1"] }], ["m:edit", { id: ids["a2"], text: "x" }])).toBe(false);
  expect(await touches(["m:get", { id: ids["a1"] }], ["m:add", { chat: "a", n: 1 }])).toBe(false);
});

test("an index range is touched inside, not outside", async () => {
  expect(await touches(["m:chat", { chat: "a" }], ["m:add", { chat: "a", n: 9 }])).toBe(true);
  expect(await touches(["m:chat", { chat: "a" }], ["m:add", { chat: "b", n: 9 }])).toBe(false);
  expect(await touches(["m:chat", { chat: "a" }], ["m:add", { chat: "a\0", n: 9 }])).toBe(false);
  expect(await touches(["m:fromTo", { from: 2, to: 4 }], ["m:add", { chat: "a", n: 4 }])).toBe(false);
  expect(await touches(["m:fromTo", { from: 2, to: 4 }], ["m:add", { chat: "a", n: 3.9 }])).toBe(true);
});

test("a field that is in no index still touches the range its document lies in", async () => {
  expect(await touches(["m:chat", { chat: "a" }], ["m:edit", { id: ids["a3"], text: "y" }])).toBe(true);
  expect(await touches(["m:chat", { chat: "b" }], ["m:edit", { id: ids["a3"], text: "z" }])).toBe(false);
});

test("a document that moves touches the range it leaves and the one it enters", async () => {
  const moving = { id: ids["b1"], chat: "c" };
  expect(await touches(["m:chat", { chat: "b" }], ["m:edit", moving])).toBe(true);
  expect(await touches(["m:chat", { chat: "d" }], ["m:edit", { ...moving, chat: "d" }])).toBe(true);
  await fixture.mutation("m:edit", { id: ids["b1"], chat: "b" });
});

test("a reader that took the newest rows does not depend on those before them", async () => {
  expect(await touches(["m:newest", { chat: "a", count: 2 }], ["m:edit", { id: ids["a4"], text: "x" }])).toBe(
    true,
  );
  expect(await touches(["m:newest", { chat: "a", count: 2 }], ["m:edit", { id: ids["a3"], text: "x" }])).toBe(
    false,
  );
  expect(await touches(["m:newest", { chat: "a", count: 2 }], ["m:add", { chat: "a", n: 3.5 }])).toBe(false);
  expect(await touches(["m:newest", { chat: "a", count: 2 }], ["m:add", { chat: "a", n: 7 }])).toBe(true);
  expect(await touches(["m:newest", { chat: "a", count: 50 }], ["m:add", { chat: "a", n: -7 }])).toBe(true);
});

test("an empty result depends on the range it found empty", async () => {
  expect(await touches(["m:chat", { chat: "empty" }], ["m:add", { chat: "empty", n: 1 }])).toBe(true);
  expect(await touches(["m:all", { table: "other" }], ["m:add", { table: "other" }])).toBe(true);
  expect(await touches(["m:all", { table: "unheardOf" }], ["m:add", { table: "unheardOf" }])).toBe(true);
});

test("a query that reads nothing is touched only by code and environment", async () => {
  expect(await touches(["m:nothing", {}], ["m:add", { chat: "a", n: 1 }])).toBe(false);
  const [run] = (await fixture.engine.runQueries([call("m:nothing")])) as [QueryRun];
  const touched: boolean[] = [];
  const stop = fixture.engine.onCommit(({ writes }) => touched.push(run.reads.isTouchedBy(writes)));
  await fixture.engine.setEnvironmentVariables({ X: "1" });
  await fixture.engine.installCode(await appCode(APP, 2));
  stop();
  expect(touched).toEqual([true, true]);
});
