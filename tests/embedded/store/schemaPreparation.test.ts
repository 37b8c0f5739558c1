import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const MODULE = functions(`
  export const fill = mutation(async (ctx, { from, count }) => {
    for (let n = from; n < from + count; n++) await ctx.db.insert("notes", { text: "note " + n, n });
  });
  export const add = mutation(async (ctx, fields) => await ctx.db.insert("notes", fields));
  export const edit = mutation(async (ctx, { id, ...fields }) => await ctx.db.patch(id, fields));
  export const remove = mutation(async (ctx, { id }) => await ctx.db.delete(id));
  export const ends = query(async (ctx, { index = "by_n" }) => [
    (await ctx.db.query("notes").withIndex(index).first())?.n,
    (await ctx.db.query("notes").withIndex(index).order("desc").first())?.n]);
  export const count = query(async (ctx, { index = "by_n", n }) =>
    (await ctx.db.query("notes").withIndex(index, (q) => q.eq("n", n)).collect()).length);
  export const search = query(async (ctx, { text }) =>
    (await ctx.db.query("notes").withSearchIndex("search", (q) => q.search("text", text)).take(100)).length);
`);

const notes = (more: string): string =>
  schema(`notes: defineTable({ text: v.string(), n: v.number() })${more}`);
const version = (more: string, number: number): Promise<DeployedCode> =>
  appCode({ "m.ts": MODULE, "schema.ts": notes(more) }, number);
const WITH_INDEX = '.index("by_n", ["n"]).searchIndex("search", { searchField: "text" })';

const number = (sql: string): unknown => numberFrom(fixture, sql);

beforeEach(async () => {
  fixture = await EngineFixture.with(await appCode({ "m.ts": MODULE }));
  for (let from = 0; from < 2000; from += 500) await fixture.mutation("m:fill", { from, count: 500 });
});
afterEach(() => fixture.close());

test("an index is filled in parts, others read and write meanwhile, and it is whole when the code is live", async () => {
  const code = await version(WITH_INDEX, 2);
  const installed = fixture.engine.installCode(code);
  const install = { isOver: false };
  void installed.then(() => (install.isOver = true));
  const ids: unknown[] = [];
  let writes = 0;
  for (; !install.isOver; writes++) {
    ids.push(await fixture.mutation("m:add", { text: `between ${writes}`, n: 10_000 + writes }));
    if (writes % 3 === 1)
      await fixture.mutation("m:edit", { id: ids[writes - 1], text: "edited", n: -writes });
    if (writes % 3 === 2) await fixture.mutation("m:remove", { id: ids[writes - 1] });
    await new Promise(setImmediate);
  }
  await installed;
  expect(writes).toBeGreaterThan(3);
  expect(
    number(
      "SELECT count(*) AS n FROM index_entries JOIN indexes ON indexes.id = index_id WHERE name = 'by_n'",
    ),
  ).toBe(
    number("SELECT count(*) AS n FROM documents JOIN tables ON number = table_number WHERE name = 'notes'"),
  );
  expect(number("SELECT count(*) AS n FROM search_entries")).toBe(
    number("SELECT count(*) AS n FROM documents JOIN tables ON number = table_number WHERE name = 'notes'"),
  );
  expect(number("SELECT entries AS n FROM search_statistics")).toBe(
    number("SELECT count(*) AS n FROM search_entries"),
  );
  expect(await fixture.query("m:search", { text: "1234" })).toBe(1);
  expect(await fixture.query("m:search", { text: "edited" })).toBe(
    Math.min(100, Math.floor((writes + 1) / 3)),
  );
});

test("how far it is can be asked meanwhile, and queries do not use what is not whole", async () => {
  const code = await version(WITH_INDEX, 2);
  const first = fixture.engine.prepareSchema(code, 5);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  await fixture.timers.advance(5);
  expect(await first).toEqual({
    type: "inProgress",
    components: { "": { schemaValidationComplete: false, indexesComplete: 0, indexesTotal: 2 } },
  });
  expect(await fixture.errorOf("m:ends")).toContain("Index notes.by_n not found.");
  expect(await fixture.engine.prepareSchema(code, 60_000)).toEqual({ type: "complete" });
  expect(await fixture.errorOf("m:ends")).toContain("Index notes.by_n not found.");
  await fixture.engine.installCode(code);
  expect(await fixture.query("m:ends")).toEqual([0, 1999]);
});

test("a document that stops fitting while the others are checked is found", async () => {
  const code = await version("", 2);
  const prepared = fixture.engine.prepareSchema(code, 60_000);
  await new Promise(setImmediate);
  const bad = String(await fixture.mutation("m:add", { text: 1, n: 1 }));
  expect(await prepared).toMatchObject({
    type: "failed",
    error: expect.stringContaining(`Document with ID "${bad}"`),
  });
  await fixture.mutation("m:edit", { id: bad, text: "mended" });
  expect(await fixture.engine.prepareSchema(code, 60_000)).toEqual({ type: "complete" });
  const late = String(await fixture.mutation("m:add", { text: 2, n: 2 }));
  await expect(fixture.engine.installCode(code)).rejects.toThrow(
    `Document with ID "${late}" in table "notes"`,
  );
  expect(fixture.engine.code()?.version).toBe(1);
  await fixture.mutation("m:remove", { id: late });
  await fixture.engine.installCode(code);
  expect(fixture.engine.code()?.version).toBe(2);
});

test("a push that fails leaves no index behind, nor does one that the process did not survive", async () => {
  await fixture.mutation("m:add", { text: 7, n: 7 });
  const code = await version(WITH_INDEX, 2);
  expect(await fixture.engine.prepareSchema(code, 60_000)).toMatchObject({ type: "failed" });
  const pending = "SELECT count(*) AS n FROM indexes WHERE state = 'pending'";
  expect(number(pending)).toBe(0);

  const loose = await appCode(
    { "m.ts": MODULE, "schema.ts": schema(`notes: defineTable(v.any())${WITH_INDEX}`) },
    2,
  );
  expect(await fixture.engine.prepareSchema(loose, 60_000)).toEqual({ type: "complete" });
  expect(number(pending)).toBe(2);
  await fixture.reopen();
  await expect.poll(() => number("SELECT count(*) AS n FROM dropped_indexes")).toBe(0);
  expect(number(pending)).toBe(0);
  expect(number("SELECT count(*) AS n FROM search_entries")).toBe(0);
});

test("an index that vanishes is gone at once, its entries soon", async () => {
  await fixture.engine.installCode(await version(WITH_INDEX, 2));
  await fixture.engine.installCode(await version("", 3));
  expect(await fixture.errorOf("m:ends")).toContain("Index notes.by_n not found.");
  expect(await fixture.errorOf("m:search", { text: "x" })).toContain("Index notes.search not found.");
  await expect.poll(() => number("SELECT count(*) AS n FROM dropped_indexes")).toBe(0);
  expect(number("SELECT count(*) AS n FROM search_entries")).toBe(0);
  expect(number("SELECT count(*) AS n FROM search_statistics")).toBe(0);
  expect(number("SELECT count(*) AS n FROM search_term_counts")).toBe(0);
  expect(number("SELECT count(*) AS n FROM index_entries")).toBe(2000);
});

test("a staged index does not hold up the push, is filled beside it, and is live when it is staged no more", async () => {
  const staged = '.index("by_n", { fields: ["n"], staged: true })';
  await fixture.engine.installCode(await version(staged, 2));
  expect(await fixture.errorOf("m:ends")).toContain(
    "Index notes.by_n is currently staged and not available to query until it is enabled.",
  );
  await fixture.mutation("m:add", { text: "late", n: 5000 });
  await expect.poll(() => number("SELECT count(*) AS n FROM indexes WHERE filled_to IS NOT NULL")).toBe(0);
  const id = number("SELECT id AS n FROM indexes WHERE name = 'by_n'");
  await fixture.engine.installCode(await version('.index("by_n", ["n"])', 3));
  expect(number("SELECT id AS n FROM indexes WHERE name = 'by_n'")).toBe(id);
  expect(await fixture.query("m:ends")).toEqual([0, 5000]);
  await fixture.engine.installCode(await version(staged, 4));
  expect(await fixture.errorOf("m:ends")).toContain("currently staged");
});

test("a staged index goes on filling after a restart", async () => {
  await fixture.engine.installCode(await version('.index("by_n", { fields: ["n"], staged: true })', 2));
  await fixture.reopen();
  await expect.poll(() => number("SELECT count(*) AS n FROM indexes WHERE filled_to IS NOT NULL")).toBe(0);
  await fixture.engine.installCode(await version('.index("by_n", ["n"])', 3));
  expect(await fixture.query("m:ends")).toEqual([0, 1999]);
});

test("an index with other fields under the same name takes over when it is whole", async () => {
  await fixture.engine.installCode(await version('.index("by_n", ["n"])', 2));
  const code = await version('.index("by_n", ["text", "n"])', 3);
  expect(await fixture.engine.prepareSchema(code, 60_000)).toEqual({ type: "complete" });
  expect(await fixture.query("m:ends")).toEqual([0, 1999]);
  await fixture.engine.installCode(code);
  expect(await fixture.query("m:ends")).toEqual([0, 999]);
});

test("two pushes under way do not disturb each other, and the first to be installed ends both", async () => {
  const [one, two] = [
    await version('.index("by_n", ["n"])', 2),
    await version('.index("by_n", ["text"])', 2),
  ];
  const [a, b] = await Promise.all([
    fixture.engine.prepareSchema(one, 60_000),
    fixture.engine.prepareSchema(two, 60_000),
  ]);
  expect([a, b]).toEqual([{ type: "complete" }, { type: "complete" }]);
  await fixture.engine.installCode(one);
  expect(await fixture.query("m:ends")).toEqual([0, 1999]);
  expect(number("SELECT count(*) AS n FROM indexes WHERE state = 'pending'")).toBe(0);
});

/** The column n of the only row, read beside the engine. */
function numberFrom({ dataDir }: EngineFixture, sql: string): unknown {
  const database = new DatabaseSync(join(dataDir, "deployment.sqlite"), { readOnly: true });
  try {
    return database.prepare(sql).get()?.["n"];
  } finally {
    database.close();
  }
}
