import { afterAll, beforeAll, expect, test } from "vitest";

import type { Commit, QueryRun } from "../../../embedded/protocol/engine.ts";
import { appCode, call, EngineFixture, functions, schema, valueOf } from "../../support/engineFixture.ts";

let fixture: EngineFixture;
let id: unknown;

const APP = {
  "schema.ts": schema(
    `messages: defineTable(v.any())
      .searchIndex("search_body", { searchField: "body", filterFields: ["channel", "author"] })`,
    "{ schemaValidation: false }",
  ),
  "m.ts": functions(`
    export const add = mutation(async (ctx, fields) => await ctx.db.insert("messages", fields));
    export const edit = mutation(async (ctx, { id, ...fields }) => await ctx.db.patch(id, fields));
    export const remove = mutation(async (ctx, { id }) => await ctx.db.delete(id));
    export const search = query(async (ctx, { text, where = {}, count = 10 }) =>
      await ctx.db.query("messages").withSearchIndex("search_body", (q) =>
        Object.entries(where).reduce((so, [name, value]) => so.eq(name, value), q.search("body", text))).take(count));
  `),
};

beforeAll(async () => {
  fixture = await EngineFixture.with(await appCode(APP));
  id = await fixture.mutation("m:add", { body: "red apple", channel: "a", author: "x", n: 1 });
  for (let n = 0; n < 5; n++) await fixture.mutation("m:add", { body: "green pear", channel: "b", n });
});
afterAll(() => fixture.close());

/** Whether the mutation makes the search's result stale. What it adds is taken away again. */
async function touches(search: Record<string, unknown>, mutation: [string, unknown]): Promise<boolean> {
  const [run] = (await fixture.engine.runQueries([call("m:search", search)])) as [QueryRun];
  const commits: Commit[] = [];
  const stop = fixture.engine.onCommit((commit) => commits.push(commit));
  const { result } = await fixture.engine.runMutation(call(...mutation));
  stop();
  if (mutation[0] === "m:add") await fixture.mutation("m:remove", { id: valueOf(result) });
  return commits.some((commit) => run.reads.isTouchedBy(commit.writes));
}

const add = (fields: Record<string, unknown>): [string, unknown] => ["m:add", fields];

test("a document with one of the words touches a search, others do not", async () => {
  expect(await touches({ text: "apple plum" }, add({ body: "an apple" }))).toBe(true);
  expect(await touches({ text: "apple plum" }, add({ body: "apples" }))).toBe(false);
  expect(await touches({ text: "apple plum" }, add({ body: "a plumber" }))).toBe(true);
  expect(await touches({ text: "apple plum" }, add({ body: "plu" }))).toBe(false);
  expect(await touches({ text: "apple plum" }, add({ body: "pear", other: "apple" }))).toBe(false);
  expect(await touches({ text: "apple plum" }, add({ body: 7 }))).toBe(false);
});

test("a search that found nothing is touched by what it would find", async () => {
  expect(await touches({ text: "nowhere" }, add({ body: "Nowhere!" }))).toBe(true);
  expect(await touches({ text: "" }, add({ body: "anything" }))).toBe(false);
});

test("a filtered search is touched under its filter value only", async () => {
  const search = { text: "apple", where: { channel: "a" } };
  expect(await touches(search, add({ body: "apple", channel: "a" }))).toBe(true);
  expect(await touches(search, add({ body: "apple", channel: "b" }))).toBe(false);
  expect(await touches(search, add({ body: "apple" }))).toBe(false);
  const narrow = { text: "apple", where: { channel: "b", author: "x" } };
  expect(await touches(narrow, add({ body: "apple", channel: "b", author: "x" }))).toBe(true);
  expect(await touches(narrow, add({ body: "apple", channel: "c", author: "y" }))).toBe(false);
});

test("a document that comes into or leaves a filter touches the search on both sides", async () => {
  const moving = { id, channel: "moved" };
  expect(await touches({ text: "apple", where: { channel: "moved" } }, ["m:edit", moving])).toBe(true);
  expect(
    await touches({ text: "apple", where: { channel: "moved" } }, ["m:edit", { id, channel: "a" }]),
  ).toBe(true);
});

test("a found document touches the search whatever changes in it, one beyond the limit does not", async () => {
  expect(await touches({ text: "apple" }, ["m:edit", { id, n: 2 }])).toBe(true);
  expect(await touches({ text: "pear" }, ["m:edit", { id, n: 3 }])).toBe(false);
  const [oldest] = (
    (await fixture.query("m:search", { text: "pear" })) as { _id: string; n: number }[]
  ).filter(({ n }) => n === 0);
  expect(await touches({ text: "pear", count: 2 }, ["m:edit", { id: oldest?._id, n: 0.5 }])).toBe(false);
  expect(await touches({ text: "pear", count: 2 }, ["m:edit", { id: oldest?._id, body: "pear" }])).toBe(true);
});

test("a document of very many words touches every search under its filter values", async () => {
  const words = Array.from({ length: 5000 }, (_, n) => `word${n}`).join(" ");
  expect(await touches({ text: "apple" }, add({ body: `${words} apple`, channel: "a" }))).toBe(true);
  expect(await touches({ text: "wor", where: { channel: "a" } }, add({ body: words, channel: "a" }))).toBe(
    true,
  );
  expect(await touches({ text: "apple", where: { channel: "a" } }, add({ body: words, channel: "b" }))).toBe(
    false,
  );
});
