import { afterEach, beforeEach, expect, test } from "vitest";

import { appCode, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const MODULE = functions(`
  export const add = mutation(async (ctx, { table = "notes", ...fields }) => await ctx.db.insert(table, fields));
  export const edit = mutation(async (ctx, { id, ...fields }) => await ctx.db.patch(id, fields));
  export const put = mutation(async (ctx, { id, ...fields }) => await ctx.db.replace(id, fields));
  export const texts = query(async (ctx) => (await ctx.db.query("notes").collect()).map((note) => note.text));
  export const byText = query(async (ctx, { index = "by_text" }) =>
    (await ctx.db.query("notes").withIndex(index).collect()).map((note) => note.text));
`);

const notes = (fields: string, indexes = ""): string => schema(`notes: defineTable(${fields})${indexes}`);

beforeEach(async () => {
  fixture = await EngineFixture.with(await appCode({ "m.ts": MODULE }));
});
afterEach(() => fixture.close());

test("a new index holds the documents that were there before it", async () => {
  for (const text of ["c", "a", "b"]) await fixture.mutation("m:add", { text });
  const withIndex = notes("{ text: v.string() }", '.index("by_text", ["text"])');
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": withIndex }, 2));
  expect(await fixture.query("m:byText")).toEqual(["a", "b", "c"]);
  await fixture.mutation("m:add", { text: "aa" });
  await fixture.reopen();
  expect(await fixture.query("m:byText")).toEqual(["a", "aa", "b", "c"]);
});

test("an index that vanishes is dropped, one with other fields is made anew", async () => {
  const first = notes(
    "{ text: v.string(), n: v.number() }",
    '.index("by_text", ["text"]).index("other", ["n"])',
  );
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": first }, 2));
  for (const [text, n] of [
    ["a", 2],
    ["b", 1],
  ])
    await fixture.mutation("m:add", { text, n });
  const second = notes("{ text: v.string(), n: v.number() }", '.index("by_text", ["n", "text"])');
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": second }, 3));
  expect(await fixture.query("m:byText")).toEqual(["b", "a"]);
  expect(await fixture.errorOf("m:byText", { index: "other" })).toContain("Index notes.other not found.");
});

test("a schema that a stored document does not fit is refused, names the document, and changes nothing", async () => {
  await fixture.mutation("m:add", { text: "fits" });
  const id = await fixture.mutation("m:add", { text: 7 });
  const ts = fixture.engine.latestTs();
  const strict = notes("{ text: v.string() }", '.index("by_text", ["text"])');
  const code = await appCode({ "m.ts": MODULE, "schema.ts": strict }, 2);
  const sentence = `Document with ID "${String(id)}" in table "notes" does not match the schema: Value does not match validator.\nPath: .text`;
  expect(await fixture.engine.prepareSchema(code, 1000)).toMatchObject({
    type: "failed",
    componentPath: "",
    tableName: "notes",
    error: expect.stringContaining(sentence),
  });
  await expect(fixture.engine.installCode(code)).rejects.toThrow(sentence);
  expect(fixture.engine.code()?.version).toBe(1);
  expect(fixture.engine.latestTs()).toBe(ts);
  expect(await fixture.errorOf("m:byText")).toContain("Index notes.by_text not found.");
  await fixture.mutation("m:edit", { id, text: "mended" });
  expect(await fixture.engine.prepareSchema(code, 1000)).toEqual({ type: "complete" });
  await fixture.engine.installCode(code);
  expect(await fixture.query("m:byText")).toEqual(["fits", "mended"]);
});

test("documents must fit the schema when they are written", async () => {
  const strict = notes("{ text: v.string(), ref: v.optional(v.id('notes')) }");
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": strict }, 2));
  const id = await fixture.mutation("m:add", { text: "x" });
  const refused =
    'Failed to insert or update a document in table "notes" because it does not match the schema: ';
  expect(await fixture.errorOf("m:add", {})).toContain(
    `${refused}Object is missing the required field \`text\``,
  );
  expect(await fixture.errorOf("m:edit", { id, text: 1 })).toContain(
    `${refused}Value does not match validator.`,
  );
  expect(await fixture.errorOf("m:put", { id, text: "y", more: 1 })).toContain("extra field `more`");
  await fixture.mutation("m:put", { id, text: "y", ref: id });
  expect(await fixture.query("m:texts")).toEqual(["y"]);
});

test("schemaValidation: false admits everything", async () => {
  await fixture.mutation("m:add", { text: 7 });
  const loose = schema("notes: defineTable({ text: v.string() })", "{ schemaValidation: false }");
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": loose }, 2));
  await fixture.mutation("m:add", { text: null });
  expect(await fixture.query("m:texts")).toEqual([7, null]);
});

test("a table that the schema no longer names keeps its documents, and they are checked when it comes back", async () => {
  const strict = notes("{ text: v.string() }");
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": strict }, 2));
  await fixture.mutation("m:add", { text: "kept" });
  const without = schema("others: defineTable({})");
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": without }, 3));
  expect(await fixture.query("m:texts")).toEqual(["kept"]);
  const id = await fixture.mutation("m:add", { text: 7 });
  const back = await appCode({ "m.ts": MODULE, "schema.ts": strict }, 4);
  await expect(fixture.engine.installCode(back)).rejects.toThrow(
    `Document with ID "${String(id)}" in table "notes"`,
  );
  await fixture.mutation("m:edit", { id, text: "mended" });
  await fixture.engine.installCode(back);
  expect(await fixture.query("m:texts")).toEqual(["kept", "mended"]);
});

test("a schema that was not enforced is checked when it is", async () => {
  const table = "notes: defineTable({ text: v.string() })";
  const loose = schema(table, "{ schemaValidation: false }");
  await fixture.engine.installCode(await appCode({ "m.ts": MODULE, "schema.ts": loose }, 2));
  await fixture.mutation("m:add", { text: 7 });
  const enforced = await appCode({ "m.ts": MODULE, "schema.ts": schema(table) }, 3);
  await expect(fixture.engine.installCode(enforced)).rejects.toThrow("does not match the schema");
});
