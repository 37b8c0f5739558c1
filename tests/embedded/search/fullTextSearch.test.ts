/**
 * What a search finds, and in which order. Long, because all of it is asked of the same few documents, whose words have to be in sight.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { appCode, call, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const APP = {
  "schema.ts": schema(
    `messages: defineTable(v.any())
      .index("by_channel", ["channel"])
      .searchIndex("search_body", { searchField: "body", filterFields: ["channel", "meta.author"] })
      .searchIndex("search_title", { searchField: "meta.title" })
      .searchIndex("later", { searchField: "body", filterFields: [], staged: true })`,
    "{ schemaValidation: false }",
  ),
  "m.ts": functions(`
    export const add = mutation(async (ctx, fields) => await ctx.db.insert("messages", fields));
    export const edit = mutation(async (ctx, { id, ...fields }) => await ctx.db.patch(id, fields));
    export const clear = mutation(async (ctx) => {
      for (const { _id } of await ctx.db.query("messages").collect()) await ctx.db.delete(_id);
    });
    const found = async (ctx, { text, index = "search_body", field = "body", where = {} }) =>
      await ctx.db.query("messages").withSearchIndex(index, (q) =>
        Object.entries(where).reduce((so, [name, value]) => so.eq(name, value === "$undefined" ? undefined : value),
          q.search(field, text)));
    export const search = query(async (ctx, args) =>
      (await (await found(ctx, args))).map((message) => message.body ?? message.meta.title));
    const query$ = (ctx, { text, index = "search_body", field = "body", where = {} }) =>
      ctx.db.query("messages").withSearchIndex(index, (q) =>
        Object.entries(where).reduce((so, [name, value]) => so.eq(name, value === "$undefined" ? undefined : value),
          q.search(field, text)));
    export const collect = query(async (ctx, args) =>
      (await query$(ctx, args).collect()).map((message) => message.body ?? message.meta.title));
    export const page = query(async (ctx, { options, ...args }) => {
      const result = await query$(ctx, args).paginate(options);
      return { ...result, page: result.page.map((message) => message.body) };
    });
    export const first = query(async (ctx, args) => (await query$(ctx, args).first())?.body ?? null);
    export const take = query(async (ctx, { count, ...args }) => (await query$(ctx, args).take(count)).map((m) => m.body));
    export const long = query(async (ctx, args) =>
      (await query$(ctx, args).filter((q) => q.gt(q.field("rank"), 1)).collect()).map((m) => m.body));
    export const raw = query(async (ctx, { filters, index }) =>
      (await ctx.db.query("messages").withSearchIndex(index, (q) =>
        filters.reduce((so, [kind, name, value]) => so[kind](name, value), q)).collect()).length);
    export const asRange = query(async (ctx) => await ctx.db.query("messages").withIndex("search_body").collect());
    export const asSearch = query(async (ctx) =>
      await ctx.db.query("messages").withSearchIndex("by_channel", (q) => q.search("body", "x")).collect());
    export const ordered = query(async (ctx) =>
      await ctx.db.query("messages").withSearchIndex("search_body", (q) => q.search("body", "x")).order("desc").collect());
    export const addAndSearch = mutation(async (ctx, { body }) => {
      const before = (await query$(ctx, { text: body }).collect()).length;
      const id = await ctx.db.insert("messages", { body });
      const added = (await query$(ctx, { text: body }).collect()).length;
      await ctx.db.patch(id, { body: "changed" });
      const changed = [(await query$(ctx, { text: body }).collect()).length, (await query$(ctx, { text: "changed" }).collect()).length];
      await ctx.db.delete(id);
      return [before, added, changed, (await query$(ctx, { text: "changed" }).collect()).length];
    });
    export const failAfterAdding = mutation(async (ctx, { body }) => {
      await ctx.db.insert("messages", { body });
      throw new Error("no");
    });
    export const aroundFailure = mutation(async (ctx, { body }) => {
      await ctx.db.insert("messages", { body });
      try { await ctx.runMutation(anyApi.m.failAfterAdding, { body }); } catch {}
      return (await query$(ctx, { text: body }).collect()).length;
    });
    export const fill = mutation(async (ctx, { from, count }) => {
      for (let n = from; n < from + count; n++) await ctx.db.insert("messages", { body: "common word" + n, rank: n });
    });
    export const deleteWhileReading = mutation(async (ctx, { text }) => {
      let seen = 0;
      for await (const message of query$(ctx, { text })) {
        seen += 1;
        for (const other of await ctx.db.query("messages").collect()) if (other._id !== message._id) await ctx.db.delete(other._id);
      }
      return seen;
    });
  `),
};

beforeAll(async () => {
  fixture = await EngineFixture.with(await appCode(APP));
});
afterAll(() => fixture.close());
beforeEach(() => fixture.mutation("m:clear"));

async function add(...messages: Record<string, unknown>[]): Promise<void> {
  for (const message of messages) await fixture.mutation("m:add", message);
}

async function found(text: string, more: Record<string, unknown> = {}): Promise<unknown> {
  return await fixture.query("m:collect", { text, ...more });
}

test("any of the words finds a document, and the last one what begins with it", async () => {
  await add({ body: "The quick brown fox" }, { body: "A slow turtle" }, { body: "Foxes, all of them" });
  expect(await found("QUICK")).toEqual(["The quick brown fox"]);
  expect(await found("turtle quick")).toEqual(
    expect.arrayContaining(["A slow turtle", "The quick brown fox"]),
  );
  expect(await found("fox")).toEqual(["The quick brown fox", "Foxes, all of them"]);
  expect(await found("fox absent")).toEqual(["The quick brown fox"]);
  expect(await found("ox")).toEqual([]);
  expect(await found("")).toEqual([]);
  expect(await found("?!")).toEqual([]);
});

test("rare words, several hits and short texts rank first, and ties the newest first", async () => {
  await add(
    { body: "apple pear" },
    { body: "apple plum plum" },
    { body: "apple plum and very many other things that make this text a good deal longer" },
    { body: "apple pear" },
    { body: "grape" },
  );
  expect(await fixture.query("m:take", { text: "plum", count: 2 })).toEqual([
    "apple plum plum",
    "apple plum and very many other things that make this text a good deal longer",
  ]);
  expect(await fixture.query("m:first", { text: "apple grape" })).toBe("grape");
  const order = (await found("pear apple")) as string[];
  expect(order.slice(0, 2)).toEqual(["apple pear", "apple pear"]);
});

test("an exact match outranks one that only begins with the word", async () => {
  await add({ body: "cat" }, { body: "catalog" }, { body: "cat" }, { body: "category" });
  expect(await found("cat")).toEqual(["cat", "cat", "category", "catalog"]);
});

test("scores are Tantivy's BM25", async () => {
  await add({ body: "a b" }, { body: "a a a c c" }, { body: "d" });
  const scoreOf = (frequency: number, length: number, documents: number): number => {
    const rarity = Math.log(1 + (3 - documents + 0.5) / (documents + 0.5));
    return (rarity * 2.2 * frequency) / (frequency + 1.2 * (0.25 + (0.75 * length) / (8 / 3)));
  };
  expect(scoreOf(3, 5, 2)).toBeGreaterThan(scoreOf(1, 2, 2));
  expect(await found("a")).toEqual(["a a a c c", "a b"]);
  // "b" and "c" are equally rare; which one wins is a matter of the formula alone.
  expect(scoreOf(2, 5, 1)).toBeLessThan(scoreOf(1, 2, 1));
  expect(await found("c b")).toEqual(["a b", "a a a c c"]);
});

test("filters compare fields, nested ones and missing ones too", async () => {
  await add(
    { body: "hi 1", channel: "a", meta: { author: "x" } },
    { body: "hi 2", channel: "b", meta: { author: "x" } },
    { body: "hi 3", channel: null },
    { body: "hi 4" },
    { body: "hi 5", channel: { deep: [1] }, meta: { author: "y" } },
  );
  expect(await found("hi", { where: { channel: "a" } })).toEqual(["hi 1"]);
  expect(await found("hi", { where: { channel: "b", "meta.author": "x" } })).toEqual(["hi 2"]);
  expect(await found("hi", { where: { channel: "a", "meta.author": "y" } })).toEqual([]);
  expect(await found("hi", { where: { channel: null } })).toEqual(["hi 3"]);
  expect(await found("hi", { where: { channel: "$undefined" } })).toEqual(["hi 4"]);
  expect(await found("hi", { where: { channel: { deep: [1] } } })).toEqual(["hi 5"]);
  expect(await found("hi", { where: { "meta.author": "x" } })).toEqual(["hi 2", "hi 1"]);
  const twice = [
    ["search", "body", "hi"],
    ["eq", "channel", "a"],
    ["eq", "channel", "b"],
  ];
  expect(await fixture.query("m:raw", { index: "search_body", filters: twice })).toBe(0);
  const same = [
    ["search", "body", "hi"],
    ["eq", "channel", "a"],
    ["eq", "channel", "a"],
  ];
  expect(await fixture.query("m:raw", { index: "search_body", filters: same })).toBe(1);
});

test("a search field of another type, or none, is no text", async () => {
  await add(
    { body: 5 },
    { body: null },
    { body: ["five"] },
    { body: { five: "five" } },
    { other: "five" },
    { body: "five" },
  );
  expect(await found("five")).toEqual(["five"]);
  expect(await found("5")).toEqual([]);
});

test("several search indexes of a table are apart, and paths lead into objects", async () => {
  await add({ body: "alpha", meta: { title: "beta" } }, { meta: { title: "alpha" } }, { meta: "alpha" });
  expect(await found("alpha")).toEqual(["alpha"]);
  expect(await found("alpha", { index: "search_title", field: "meta.title" })).toEqual(["alpha"]);
  expect(await found("beta", { index: "search_title", field: "meta.title" })).toEqual(["alpha"]);
});

test.each([
  '"',
  "a* OR b",
  "body:secret",
  "NEAR(a b)",
  "-secret",
  "^x",
  "(((",
  "'; DROP TABLE documents; --",
  "\0 secret \u{e000}0:x",
  "{a b}:c",
])("text that looks like a query language, %j, is text", async (text) => {
  await add({ body: `around ${text} around`, channel: "open" }, { body: "secret", channel: "closed" });
  const words = text.replaceAll(/[^a-z]+/gi, " ").trim();
  const result = await found(text, { where: { channel: "open" } });
  expect(result).toEqual(words === "" ? [] : [`around ${text} around`]);
});

test("a change or removal of the text is seen by the next search", async () => {
  const id = await fixture.mutation("m:add", { body: "before", channel: "a" });
  await fixture.mutation("m:edit", { id, body: "after" });
  expect([await found("before"), await found("after")]).toEqual([[], ["after"]]);
  await fixture.mutation("m:edit", { id, channel: "b" });
  expect(await found("after", { where: { channel: "b" } })).toEqual(["after"]);
  expect(await found("after", { where: { channel: "a" } })).toEqual([]);
  await fixture.reopen();
  expect(await found("after")).toEqual(["after"]);
});

test("a mutation finds its own writes, and a rolled back call leaves none", async () => {
  expect(await fixture.mutation("m:addAndSearch", { body: "mine" })).toEqual([0, 1, [0, 1], 0]);
  expect(await fixture.mutation("m:aroundFailure", { body: "kept" })).toBe(1);
  await fixture.errorOf("m:failAfterAdding", { body: "gone" });
  expect([await found("kept"), await found("gone")]).toEqual([["kept"], []]);
});

test("what the function itself removes is passed over", async () => {
  await add({ body: "one" }, { body: "one" }, { body: "one" });
  expect(await fixture.mutation("m:deleteWhileReading", { text: "one" })).toBe(1);
});

test("only the first sixteen words count", async () => {
  await add({ body: "needle" }, { body: "straw" });
  const straw = Array.from({ length: 16 }, () => "straw").join(" ");
  expect(await found(`${straw} needle`)).toEqual(["straw"]);
  expect(await found(`${straw.slice("straw ".length)} needle`)).toHaveLength(2);
});

test("more than 1,024 results are refused to whoever collects them, not to whoever takes some or pages", async () => {
  for (let from = 0; from < 1030; from += 206) await fixture.mutation("m:fill", { from, count: 206 });
  expect(await fixture.errorOf("m:collect", { text: "common" })).toContain(
    "Search query scanned too many documents (fetched 1024). Consider using a smaller limit, paginating the query, or " +
      "using a filter field to limit the number of documents pulled from the search index.",
  );
  expect(await fixture.query("m:take", { text: "common", count: 1024 })).toHaveLength(1024);
  // Of the 111 words that begin with it, the first 64 count: "word7" to "word756".
  expect(await fixture.query("m:take", { text: "word7", count: 100 })).toHaveLength(64);
  expect(await fixture.query("m:take", { text: "word7", count: 2 })).toEqual([
    "common word7",
    "common word756",
  ]);
});

interface Page {
  page: string[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: null;
  pageStatus: null;
}

test("pages follow one another in the order of rank, with a filter too", async () => {
  await fixture.mutation("m:fill", { from: 0, count: 7 });
  const all = (await found("common")) as string[];
  const seen: string[] = [];
  let cursor: string | null = null;
  for (let pages = 1; ; pages++) {
    const options = { numItems: 3, cursor };
    const page = (await fixture.query("m:page", { text: "common", options })) as Page;
    seen.push(...page.page);
    expect(page.splitCursor).toBeNull();
    cursor = page.continueCursor;
    if (!page.isDone) continue;
    expect(pages).toBe(3);
    break;
  }
  expect(seen).toEqual(all);
  expect(await fixture.query("m:long", { text: "common" })).toEqual(all.slice(0, 5));
  const other = await fixture.engine.runAny(
    call("m:page", { text: "other", options: { numItems: 3, cursor } }),
  );
  expect(other).toMatchObject({ status: "error", dataJson: expect.stringContaining("InvalidCursor") });
});

const AGAINST = "Search query against messages.search_body";

test.each([
  ["missing", [["search", "body", "x"]], "Index messages.missing not found."],
  [
    "later",
    [["search", "body", "x"]],
    "Index messages.later is currently staged and not available to query until it is enabled.",
  ],
  [
    "search_body",
    [["search", "title", "x"]],
    `${AGAINST} contains a search filter against "title", which doesn't match the indexed \`searchField\` "body".`,
  ],
  [
    "search_body",
    [
      ["search", "body", "x"],
      ["eq", "rank", 1],
    ],
    `${AGAINST} contains an equality filter on "rank" but that field isn't indexed for filtering in \`filterFields\`.`,
  ],
  [
    "search_body",
    [
      ["search", "body", "x"],
      ["search", "body", "y"],
    ],
    `${AGAINST} contains multiple search filters against "body". Only one is allowed.`,
  ],
  [
    "search_body",
    [["eq", "channel", "x"]],
    `${AGAINST} does not contain any search filters. You must include a search filter like \`q.search("body", searchText)\`.`,
  ],
  [
    "search_body",
    [["search", "body", "x"], ...Array.from({ length: 9 }, () => ["eq", "channel", "a"])],
    `${AGAINST} has too many filter conditions. Max: 8 Actual: 9`,
  ],
])("the index %s with the filters %j is refused in Convex's words", async (index, filters, sentence) => {
  expect(await fixture.errorOf("m:raw", { index, filters })).toContain(sentence);
});

test("the two kinds of index are not each other's", async () => {
  expect(await fixture.errorOf("m:asRange")).toContain("Index messages.search_body is not a database index");
  expect(await fixture.errorOf("m:asSearch")).toContain("Index messages.by_channel is not a search index");
  expect(await fixture.errorOf("m:ordered")).toContain("Search queries must always be in relevance order");
});
