/** Pushes of a schema over rows that are there: what fits is installed, what does not is refused and changes nothing. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;
let schema: string;

beforeAll(async () => {
  app = await openApp("validation");
  schema = app.readFile("convex/schema.ts");
});
afterAll(() => app.close());
beforeEach(async () => {
  await app.mutation("products:clear");
});

const insert = (table: string, document: object): Promise<string> =>
  app.mutation<string>("products:insert", { table, document: { ...document } });

function rewrite(from: string, to: string): void {
  if (!schema.includes(from)) throw new Error(`the schema has no ${from}`);
  app.writeFile("convex/schema.ts", schema.replace(from, to));
}

test("a row that does not fit refuses the push, is named with its table, and the old schema goes on", async () => {
  const id = await insert("products", { name: "x", price: 1, kind: "book" });
  rewrite("price: v.number()", "price: v.string()");
  const { exitCode, stderr } = await app.tryPush();
  expect(exitCode).toBe(1);
  expect(stderr).toContain(`Document with ID "${id}" in table "products" does not match the schema`);
  expect(stderr).toContain("Path: .price");
  await insert("products", { name: "y", price: 2, kind: "toy" });
});

test("when the rows are mended the same push goes through", async () => {
  await insert("products", { name: "x", price: 1, kind: "book" });
  rewrite("price: v.number()", "price: v.string()");
  expect((await app.tryPush()).exitCode).toBe(1);
  await app.mutation("products:clear");
  await app.push();
  await insert("products", { name: "x", price: "one", kind: "book" });
  await app.mutation("products:clear");
  app.writeFile("convex/schema.ts", schema);
  await app.push();
});

test("a new index holds the rows that were there before it", async () => {
  await insert("makers", { name: "b" });
  await insert("makers", { name: "a" });
  rewrite(
    "makers: defineTable({ name: v.string() })",
    'makers: defineTable({ name: v.string() }).index("by_name", ["name"])',
  );
  app.writeFile(
    "convex/makers.ts",
    `import { query } from "./_generated/server.js";
     export const names = query({
       args: {},
       handler: async (ctx) =>
         (await ctx.db.query("makers").withIndex("by_name").collect()).map(({ name }) => name),
     });`,
  );
  await app.push();
  expect(await app.query("makers:names")).toEqual(["a", "b"]);
  app.removeFile("convex/makers.ts");
  app.writeFile("convex/schema.ts", schema);
  await app.push();
});

test("with schemaValidation off any row stays", async () => {
  rewrite("export default defineSchema({", "export default defineSchema({ other: defineTable(v.any()),");
  await app.push();
  await insert("other", { free: "form" });
  app.writeFile(
    "convex/schema.ts",
    app.readFile("convex/schema.ts").replace(/\}\);\s*$/, "}, { schemaValidation: false });"),
  );
  await app.push();
  expect(await insert("products", { not: "a product at all" })).toEqual(expect.any(String));
  await app.mutation("products:clear");
  app.writeFile("convex/schema.ts", schema);
  await app.push();
});

test.each([
  ["an index over a field that its table lacks", '.index("by_color", ["color"])', /color/],
  ["an index twice", '.index("by_name", ["name"]).index("by_name", ["name"])', /by_name/],
  ["an index with a reserved name", '.index("by_id", ["name"])', /by_id|reserved/i],
  ["an index without fields", '.index("by_nothing", [])', /by_nothing|field/i],
])("%s is refused with its name", async (_what, suffix, message) => {
  rewrite("makers: defineTable({ name: v.string() })", `makers: defineTable({ name: v.string() })${suffix}`);
  const { exitCode, stderr } = await app.tryPush();
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(message);
  expect(await app.query("products:count")).toBe(0);
});
