/** `paginate`: pages, cursors that stay right while rows come and go, `endCursor`, splits, limits of the read. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

interface Page {
  page: { rank: number }[];
  isDone: boolean;
  continueCursor: string;
  splitCursor?: string | null;
  pageStatus?: string | null;
}

interface Options {
  numItems: number;
  cursor: string | null;
  endCursor?: string;
  maximumRowsRead?: number;
}

let app: TestApp;

beforeAll(async () => {
  app = await openApp("pagination");
});
afterAll(() => app.close());

async function filled(count: number): Promise<string> {
  const bag = freshName("pages");
  await app.mutation("pages:fill", { bag, count });
  return bag;
}

const list = (bag: string, paginationOpts: Options, order: "asc" | "desc" = "asc"): Promise<Page> =>
  app.query<Page>("pages:list", { bag, order, paginationOpts: { ...paginationOpts } });

const ranks = ({ page }: Page): number[] => page.map(({ rank }) => rank);

test.each(["asc", "desc"] as const)(
  "the pages are together the whole range, without gap or repetition, %s",
  async (order) => {
    const bag = await filled(10);
    const seen: number[] = [];
    let cursor: string | null = null;
    for (let isDone = false; !isDone;) {
      const page: Page = await list(bag, { numItems: 3, cursor }, order);
      seen.push(...ranks(page));
      ({ isDone, continueCursor: cursor } = page);
    }
    const all = Array.from({ length: 10 }, (_, rank) => rank);
    expect(seen).toEqual(order === "asc" ? all : all.toReversed());
  },
);

test("a range without documents is one empty page, and done", async () => {
  expect(await list(freshName("empty"), { numItems: 3, cursor: null })).toMatchObject({
    page: [],
    isDone: true,
  });
});

test("a cursor holds its place when the row before it is deleted and others are added", async () => {
  const bag = await filled(6);
  const first = await list(bag, { numItems: 3, cursor: null });
  await app.mutation("pages:remove", { bag, ranks: [2] });
  await app.mutation("pages:add", { bag, rank: 1.5 });
  await app.mutation("pages:add", { bag, rank: 2.5 });
  const second = await list(bag, { numItems: 10, cursor: first.continueCursor });
  expect(ranks(second)).toEqual([2.5, 3, 4, 5]);
});

test("with an endCursor the page is what lies between the two, whatever numItems says", async () => {
  const bag = await filled(6);
  const first = await list(bag, { numItems: 3, cursor: null });
  await app.mutation("pages:add", { bag, rank: 0.5 });
  await app.mutation("pages:add", { bag, rank: 3.5 });
  const again = await list(bag, { numItems: 1, cursor: null, endCursor: first.continueCursor });
  expect(ranks(again)).toEqual([0, 0.5, 1, 2]);
  expect(again.continueCursor).toBe(first.continueCursor);
});

test("a page far larger than was asked for is to be split, and the split cursor cuts it in two", async () => {
  const bag = await filled(10);
  const first = await list(bag, { numItems: 4, cursor: null });
  for (let rank = 0; rank < 20; rank += 1) await app.mutation("pages:add", { bag, rank: 0.01 * (rank + 1) });
  const grown = await list(bag, { numItems: 4, cursor: null, endCursor: first.continueCursor });
  expect(grown.page).toHaveLength(24);
  expect(grown.splitCursor).toEqual(expect.any(String));
  const left = await list(bag, { numItems: 4, cursor: null, endCursor: grown.splitCursor! });
  const right = await list(bag, {
    numItems: 4,
    cursor: grown.splitCursor!,
    endCursor: first.continueCursor,
  });
  expect([...ranks(left), ...ranks(right)]).toEqual(ranks(grown));
  expect(left.page.length).toBeGreaterThan(0);
  expect(right.page.length).toBeGreaterThan(0);
});

test("a filter makes pages of what passes it", async () => {
  const bag = await filled(10);
  const reds: number[] = [];
  let cursor: string | null = null;
  for (let isDone = false; !isDone;) {
    const page: Page = await app.query<Page>("pages:reds", { bag, paginationOpts: { numItems: 2, cursor } });
    reds.push(...ranks(page));
    ({ isDone, continueCursor: cursor } = page);
  }
  expect(reds).toEqual([0, 3, 6, 9]);
});

test("maximumRowsRead ends a page early, with nothing lost", async () => {
  const bag = await filled(9);
  const paginationOpts = { numItems: 100, cursor: null, maximumRowsRead: 4 };
  const page = await app.query<Page>("pages:reds", { bag, paginationOpts });
  expect(ranks(page)).toEqual([0, 3]);
  expect(page.isDone).toBe(false);
  const rest = await app.query<Page>("pages:reds", {
    bag,
    paginationOpts: { numItems: 100, cursor: page.continueCursor },
  });
  expect(ranks(rest)).toEqual([6]);
});

test("a cursor of another query is refused", async () => {
  const bag = await filled(4);
  const { continueCursor } = await list(bag, { numItems: 2, cursor: null });
  await expect(
    app.query("pages:byTable", { paginationOpts: { numItems: 2, cursor: continueCursor } }),
  ).rejects.toThrow(/InvalidCursor/);
  await expect(list(bag, { numItems: 2, cursor: "made up" })).rejects.toThrow(/InvalidCursor|cursor/i);
});

test("a function paginates once", async () => {
  const bag = await filled(1);
  await expect(
    app.query("pages:twice", { bag, paginationOpts: { numItems: 2, cursor: null } }),
  ).rejects.toThrow("This query or mutation function ran multiple paginated queries.");
});
