/** Full-text search indexes. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

let app: TestApp;
let bag: string;

beforeAll(async () => {
  app = await openApp("search");
});
afterAll(() => app.close());

async function filled(...bodies: string[]): Promise<void> {
  bag = freshName("search");
  for (const body of bodies) await app.mutation("articles:add", { bag, body });
}

const find = (text: string, options: { rank?: number } = {}): Promise<string[]> =>
  app.query<string[]>("articles:find", { bag, text, ...options });

test("documents with one of the words are found, whatever the case", async () => {
  await filled("The quick brown fox", "A lazy dog", "QUICK thinking");
  expect((await find("quick")).toSorted()).toEqual(["QUICK thinking", "The quick brown fox"]);
  expect((await find("dog fox")).toSorted()).toEqual(["A lazy dog", "The quick brown fox"]);
  expect(await find("elephant")).toEqual([]);
});

test("those with more of the words come first", async () => {
  await filled("apples", "apples and pears", "pears");
  expect((await find("apples pears"))[0]).toBe("apples and pears");
});

test("the last word may be a beginning", async () => {
  await filled("international relations", "interval training");
  expect((await find("inter")).toSorted()).toEqual(["international relations", "interval training"]);
  expect(await find("internat")).toEqual(["international relations"]);
});

test("filter fields narrow what is found", async () => {
  await filled("shared words");
  await app.mutation("articles:add", { bag, body: "shared words of rank one", rank: 1 });
  expect(await find("words", { rank: 1 })).toEqual(["shared words of rank one"]);
  const first = bag;
  await filled("shared words elsewhere");
  expect(await app.query("articles:find", { bag: first, text: "elsewhere" })).toEqual([]);
});

test("an edited document is found by its new words, a deleted one no more", async () => {
  await filled();
  const id = await app.mutation<string>("articles:add", { bag, body: "before" });
  await app.mutation("articles:edit", { id, body: "afterwards" });
  expect(await find("before")).toEqual([]);
  expect(await find("afterwards")).toEqual(["afterwards"]);
  await app.mutation("articles:remove", { id });
  expect(await find("afterwards")).toEqual([]);
});

test("a subscription follows what is found", async () => {
  await filled();
  const seen = watch<string[]>(app.connect(), "articles:find", { bag, text: "news" });
  await seen.reached((found) => found.length === 0);
  await app.mutation("articles:add", { bag, body: "no match" });
  await app.mutation("articles:add", { bag, body: "good news" });
  expect(await seen.reached((found) => found.length > 0)).toEqual(["good news"]);
});

test("the pages of a search are together all that is found", async () => {
  await filled(...Array.from({ length: 7 }, (_, i) => `common word ${i}`));
  const found: string[] = [];
  let cursor: string | null = null;
  for (let isDone = false; !isDone;) {
    const page: { page: { body: string }[]; isDone: boolean; continueCursor: string } = await app.query(
      "articles:page",
      { bag, text: "common", paginationOpts: { numItems: 3, cursor } },
    );
    found.push(...page.page.map(({ body }) => body));
    ({ isDone, continueCursor: cursor } = page);
  }
  expect(found.toSorted()).toEqual(Array.from({ length: 7 }, (_, i) => `common word ${i}`));
});

test("a search has an order of its own", async () => {
  await expect(app.query("articles:ordered", { text: "x" })).rejects.toThrow(
    "Search queries must always be in relevance order. Can not set order manually.",
  );
});
