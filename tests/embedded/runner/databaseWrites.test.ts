import { afterAll, beforeAll, expect, test } from "vitest";

import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

let fixture: EngineFixture;
let id: unknown;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "m.ts": functions(`
        export const add = mutation(async (ctx, { table = "notes", ...fields }) => await ctx.db.insert(table, fields));
        export const get = query(async (ctx, { id, table }) => await (table ? ctx.db.get(table, id) : ctx.db.get(id)));
        export const patch = mutation(async (ctx, { id, drop, ...fields }) =>
          await ctx.db.patch(id, { ...fields, ...(drop ? { [drop]: undefined } : {}) }));
        export const put = mutation(async (ctx, { id, table, ...fields }) =>
          await (table ? ctx.db.replace(table, id, fields) : ctx.db.replace(id, fields)));
        export const putBack = mutation(async (ctx, { id }) => {
          const document = await ctx.db.get(id);
          await ctx.db.replace(id, { ...document, text: "put back" });
        });
        export const remove = mutation(async (ctx, { id }) => await ctx.db.delete(id));
        export const values = mutation(async (ctx) => {
          const value = { big: 2n ** 62n, zero: -0, nan: NaN, bytes: new Uint8Array([1, 2]).buffer, text: "\\u0000é😀", nested: [{ a: [null, true] }] };
          const id = await ctx.db.insert("values", value);
          const { _id, _creationTime, ...read } = await ctx.db.get(id);
          return [read.big === value.big, Object.is(read.zero, -0), Number.isNaN(read.nan), new Uint8Array(read.bytes)[1] === 2,
            read.bytes instanceof ArrayBuffer, read.text === value.text, JSON.stringify(read.nested)];
        });
      `),
    }),
  );
  id = await fixture.mutation("m:add", { text: "a", n: 1 });
});
afterAll(() => fixture.close());

test("patch changes, adds and removes fields", async () => {
  await fixture.mutation("m:patch", { id, text: "b", more: [1], drop: "n" });
  expect(await fixture.query("m:get", { id })).toEqual({
    _id: id,
    _creationTime: expect.any(Number),
    text: "b",
    more: [1],
  });
});

test("replace leaves nothing but the new fields, and takes a whole document back", async () => {
  await fixture.mutation("m:put", { id, only: true });
  expect(await fixture.query("m:get", { id })).toEqual({
    _id: id,
    _creationTime: expect.any(Number),
    only: true,
  });
  await fixture.mutation("m:putBack", { id });
  expect(await fixture.query("m:get", { id })).toMatchObject({ _id: id, text: "put back" });
  expect(await fixture.errorOf("m:put", { id, _creationTime: 5 })).toContain(
    "doesn't match '_creationTime' field",
  );
});

test("a document that is gone is null to get and an error to the others", async () => {
  const gone = await fixture.mutation("m:add", {});
  await fixture.mutation("m:remove", { id: gone });
  expect(await fixture.query("m:get", { id: gone })).toBeNull();
  expect(await fixture.errorOf("m:patch", { id: gone })).toContain(
    `Update on nonexistent document ID ${String(gone)}`,
  );
  expect(await fixture.errorOf("m:put", { id: gone })).toContain("Replace on nonexistent document ID");
  expect(await fixture.errorOf("m:remove", { id: gone })).toContain("Delete on nonexistent document ID");
});

test("a table named with an id must be the id's", async () => {
  expect(await fixture.query("m:get", { id, table: "notes" })).toMatchObject({ _id: id });
  await fixture.mutation("m:add", { table: "others" });
  const sentence = 'expected to be an Id<"others">, got Id<"notes"> instead.';
  expect(await fixture.errorOf("m:get", { id, table: "others" })).toContain(sentence);
  expect(await fixture.errorOf("m:put", { id, table: "others" })).toContain(sentence);
  expect(await fixture.errorOf("m:get", { id: "nonsense" })).toContain("Unable to decode ID");
});

test("every kind of value comes back as it was stored", async () => {
  expect(await fixture.mutation("m:values")).toEqual([
    true,
    true,
    true,
    true,
    true,
    true,
    '[{"a":[null,true]}]',
  ]);
});
