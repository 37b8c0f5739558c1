/** Documents: values, system fields, insert, patch, replace, delete, ids. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

interface Person {
  _id: string;
  _creationTime: number;
  name: string;
  age?: number;
  address?: { city: string; zip?: string };
}

let app: TestApp;
let bag: string;

beforeAll(async () => {
  app = await openApp("documents");
  bag = freshName("documents");
});
afterAll(() => app.close());

const add = (fields: object): Promise<string> =>
  app.mutation<string>("documents:add", { bag, name: "ann", ...fields });
const get = (id: string): Promise<Person | null> => app.query<Person | null>("documents:get", { id });

describe("insert and get", () => {
  test("a document comes back with its id and the time of its creation", async () => {
    const before = Date.now();
    const id = await add({ name: "ann", age: 3 });
    const document = await get(id);
    expect(document).toEqual({ _id: id, _creationTime: expect.any(Number), bag, name: "ann", age: 3 });
    expect(Math.abs(document!._creationTime - before)).toBeLessThan(60_000);
  });

  test("a transaction reads what it wrote, in the order of the index", async () => {
    const steps = await app.mutation("documents:readOwnWrites", { bag: freshName("own") });
    expect(steps).toEqual([[], ["bob", "ann"], ["ann", "bob"], ["bob"]]);
  });

  test("a query under way in a mutation survives the deletion of what it hands out", async () => {
    const bag = freshName("deleting");
    const people = ["a", "b", "c"].map((name, age) => ({ bag, name, age }));
    await app.mutation("documents:addAll", { people });
    expect(await app.mutation("documents:writeWhileReading", { bag })).toEqual({
      seen: ["a", "b", "c"],
      left: 0,
    });
  });

  test("documents of one mutation have growing creation times", async () => {
    const bag = freshName("times");
    const people = Array.from({ length: 20 }, (_, age) => ({ bag, name: `p${age}`, age }));
    const ids = await app.mutation<string[]>("documents:addAll", { people });
    const times = await Promise.all(ids.map(async (id) => (await get(id))!._creationTime));
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  });

  test("system fields cannot be given", async () => {
    for (const field of ["_id", "_creationTime"]) {
      const document = { bag, name: "x", [field]: field === "_id" ? "abc" : 1 };
      await expect(app.mutation("documents:insertRaw", { table: "people", document })).rejects.toThrow(field);
    }
  });
});

describe("patch, replace, delete", () => {
  test("patch sets the named fields, removes those set to undefined and keeps the others", async () => {
    const id = await add({ age: 3, address: { city: "Rome", zip: "00100" } });
    const patched = await app.mutation<Person>("documents:patch", {
      id,
      changes: { age: null, name: "eve" },
    });
    expect(patched).toMatchObject({ _id: id, name: "eve", address: { city: "Rome", zip: "00100" } });
    expect(patched).not.toHaveProperty("age");
  });

  test("patch is shallow: an object is replaced as a whole", async () => {
    const id = await add({ address: { city: "Rome", zip: "00100" } });
    const patched = await app.mutation<Person>("documents:patch", {
      id,
      changes: { address: { city: "Oslo" } },
    });
    expect(patched.address).toEqual({ city: "Oslo" });
  });

  test("replace leaves nothing of the old fields and keeps id and creation time", async () => {
    const id = await add({ age: 3 });
    const old = await get(id);
    const replaced = await app.mutation<Person>("documents:replace", { id, document: { bag, name: "new" } });
    expect(replaced).toEqual({ _id: id, _creationTime: old!._creationTime, bag, name: "new" });
  });

  test("replace takes a document with its own system fields", async () => {
    const id = await add({});
    const old = (await get(id))!;
    const replaced = await app.mutation<Person>("documents:replace", {
      id,
      document: { ...old, name: "with system fields" },
    });
    expect(replaced.name).toBe("with system fields");
  });

  test("a deleted document is null, and writing it again is an error that names it", async () => {
    const id = await add({});
    await app.mutation("documents:remove", { id });
    expect(await get(id)).toBeNull();
    await expect(app.mutation("documents:remove", { id })).rejects.toThrow(
      `Delete on nonexistent document ID ${id}`,
    );
    await expect(app.mutation("documents:patch", { id, changes: { name: "x" } })).rejects.toThrow(
      `Update on nonexistent document ID ${id}`,
    );
    await expect(app.mutation("documents:replace", { id, document: { bag, name: "x" } })).rejects.toThrow(
      `Replace on nonexistent document ID ${id}`,
    );
  });

  test("system tables are read-only", async () => {
    await expect(
      app.mutation("documents:insertRaw", { table: "_scheduled_functions", document: {} }),
    ).rejects.toThrow("read-only");
  });
});

describe("ids", () => {
  test("are opaque words of one alphabet, and no two are alike", async () => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => add({})));
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{31,37}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("normalizeId gives the id for its own table and null for any other and for other text", async () => {
    const id = await add({});
    expect(await app.query("documents:normalize", { table: "people", id })).toBe(id);
    expect(await app.query("documents:normalize", { table: "others", id })).toBeNull();
    expect(await app.query("documents:normalize", { table: "people", id: "no id" })).toBeNull();
    expect(await app.query("documents:normalize", { table: "people", id: `${id}0` })).toBeNull();
  });

  test("get with a table's name refuses the id of another table", async () => {
    const id = await add({});
    expect(await app.query("documents:getFrom", { table: "people", id })).toMatchObject({ _id: id });
    await expect(app.query("documents:getFrom", { table: "others", id })).rejects.toThrow(
      'expected to be an Id<"others">, got Id<"people"> instead',
    );
  });

  test("get with text that is no id says so", async () => {
    await expect(get("nonsense")).rejects.toThrow("Unable to decode ID");
  });

  test("an argument declared as the id of another table is refused", async () => {
    const id = await app.mutation<string>("documents:insertRaw", { table: "others", document: { bag } });
    await expect(app.mutation("documents:patch", { id, changes: {} })).rejects.toThrow(
      'does not match the table name in validator `v.id("people")`',
    );
  });
});
