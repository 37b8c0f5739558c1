import { afterEach, beforeEach, expect, test } from "vitest";

import type { QueryRun } from "../../../embedded/protocol/engine.ts";
import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { appCode, call, EngineFixture, functions, valueOf } from "../../support/engineFixture.ts";

interface Page {
  page: number[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: string | null;
}

let code: Promise<DeployedCode> | undefined;
let fixture: EngineFixture;

const APP = {
  "m.ts": functions(`
    export const add = mutation(async (ctx, { n }) => await ctx.db.insert("items", { n }));
    export const remove = mutation(async (ctx, { n }) => {
      const item = await ctx.db.query("items").filter((q) => q.eq(q.field("n"), n)).unique();
      await ctx.db.delete(item._id);
    });
    export const page = query(async (ctx, { order = "asc", even = false, ...options }) => {
      let items = ctx.db.query("items").order(order);
      if (even) items = items.filter((q) => q.eq(q.mod(q.field("n"), 2), 0));
      const result = await items.paginate({ cursor: null, numItems: 3, ...options });
      return { ...result, page: result.page.map((item) => item.n) };
    });
    export const twice = query(async (ctx) => {
      await ctx.db.query("items").paginate({ cursor: null, numItems: 1 });
      await ctx.db.query("items").paginate({ cursor: null, numItems: 1 });
    });
  `),
};

beforeEach(async () => {
  fixture = await EngineFixture.with(await (code ??= appCode(APP)));
  for (let n = 0; n < 8; n++) await fixture.mutation("m:add", { n });
});
afterEach(() => fixture.close());

async function page(args: Record<string, unknown> = {}): Promise<Page> {
  return (await fixture.query("m:page", args)) as Page;
}

/** As a subscription re-runs it: with the journal of the former run. */
async function run(
  args: Record<string, unknown>,
  journal: string | null,
): Promise<{ page: Page; journal: string | null }> {
  const [result] = (await fixture.engine.runQueries([{ ...call("m:page", args), journal }])) as [QueryRun];
  return { page: valueOf(result.result) as Page, journal: result.journal };
}

test.each(["asc", "desc"])("pages in order %s follow one another to the end", async (order) => {
  const seen: number[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages < 3; pages++) {
    const next: Page = await page({ order, cursor });
    seen.push(...next.page);
    expect(next.isDone).toBe(pages === 2);
    cursor = next.continueCursor;
  }
  const all = [0, 1, 2, 3, 4, 5, 6, 7];
  expect(seen).toEqual(order === "asc" ? all : all.toReversed());
  expect(await page({ order, cursor })).toMatchObject({ page: [], isDone: true });
});

test("a filter leaves pages full, and the cursor behind the last row read", async () => {
  const first = await page({ even: true });
  expect(first.page).toEqual([0, 2, 4]);
  expect((await page({ even: true, cursor: first.continueCursor })).page).toEqual([6]);
});

test("a page that is run again with its journal ends where it ended", async () => {
  const first = await run({}, null);
  expect(first.page.page).toEqual([0, 1, 2]);
  await fixture.mutation("m:remove", { n: 1 });
  const again = await run({}, first.journal);
  expect(again.page).toMatchObject({ page: [0, 2], continueCursor: first.page.continueCursor });
  expect((await run({}, null)).page.page).toEqual([0, 2, 3]);
});

test("the last page grows when it is run again with its journal", async () => {
  const { page: first } = await run({ numItems: 6 }, null);
  const last = await run({ numItems: 6, cursor: first.continueCursor }, null);
  expect(last.page).toMatchObject({ page: [6, 7], isDone: true });
  for (let n = 8; n < 14; n++) await fixture.mutation("m:add", { n });
  const again = await run({ numItems: 6, cursor: first.continueCursor }, last.journal);
  expect(again.page).toMatchObject({ page: [6, 7, 8, 9, 10, 11, 12, 13], isDone: true });
});

test("endCursor and splitCursor cut a page in two", async () => {
  const whole = await page({ numItems: 6 });
  const left = await page({ numItems: 1, endCursor: whole.splitCursor });
  const right = await page({ numItems: 1, cursor: whole.splitCursor, endCursor: whole.continueCursor });
  expect([...left.page, ...right.page]).toEqual(whole.page);
  expect(right.continueCursor).toBe(whole.continueCursor);
  expect(left.isDone || right.isDone).toBe(false);
});

test("maximumRowsRead ends a page early and asks for a split", async () => {
  const early = await page({ even: true, maximumRowsRead: 2 });
  expect(early).toMatchObject({ page: [0], isDone: false, pageStatus: "SplitRequired" });
  expect((await page({ even: true, cursor: early.continueCursor })).page).toEqual([2, 4, 6]);
});

test("a page depends on its own interval", async () => {
  const [first] = (await fixture.engine.runQueries([call("m:page")])) as [QueryRun];
  const touched: boolean[] = [];
  fixture.engine.onCommit(({ writes }) => touched.push(first.reads.isTouchedBy(writes)));
  await fixture.mutation("m:add", { n: 100 });
  await fixture.mutation("m:remove", { n: 2 });
  expect(touched).toEqual([false, true]);
});

test("a cursor of another query, or a changed one, is refused as clients expect", async () => {
  const { continueCursor } = await page();
  for (const args of [
    { cursor: continueCursor, order: "desc" },
    { cursor: `x${continueCursor}` },
    { cursor: "x" },
  ]) {
    const result = await fixture.engine.runAny(call("m:page", args));
    expect(result).toMatchObject({ status: "error", dataJson: expect.stringContaining('"InvalidCursor"') });
  }
});

test("one function paginates once", async () => {
  expect(await fixture.errorOf("m:twice")).toContain(
    "Convex only supports a single paginated query in each function",
  );
});

test.each([
  [{ numItems: 0 }, "Must request at least 1 document while paginating"],
  [{ numItems: 32_001 }, "Requested too many items: 32001"],
  [{ numItems: 1.5 }, "Invalid arguments for `queryPage`"],
  [{ numItems: -1 }, "`options.numItems` must be a positive number. Received `-1`."],
  [{ maximumRowsRead: 0 }, "maximumRowsRead and maximumBytesRead must be greater than 0"],
  [{ maximumBytesRead: 0 }, "maximumRowsRead and maximumBytesRead must be greater than 0"],
])("a page with %j is refused in Convex's words", async (options, sentence) => {
  expect(await fixture.errorOf("m:page", options)).toContain(sentence);
});

test("a page is split in its middle, unless it has fewer than three rows", async () => {
  const { splitCursor } = await page({ numItems: 5 });
  expect((await page({ endCursor: splitCursor })).page).toEqual([0, 1, 2]);
  expect((await page({ numItems: 2 })).splitCursor).toBeNull();
});

test("a page that took more than three quarters of its limit should be split, at the limit it must", async () => {
  expect((await page({ numItems: 3, maximumRowsRead: 4 })).pageStatus).toBeNull();
  expect((await page({ numItems: 4, maximumRowsRead: 4 })).pageStatus).toBe("SplitRecommended");
  expect(await page({ numItems: 5, maximumRowsRead: 4 })).toMatchObject({
    page: [0, 1, 2, 3],
    pageStatus: "SplitRequired",
  });
  expect(await page({ maximumBytesRead: 1 })).toMatchObject({ page: [0], pageStatus: "SplitRequired" });
});

test("a given end is kept, whatever the limits and whatever is left of the page", async () => {
  const { continueCursor } = await page({ numItems: 5 });
  const again = { numItems: 1, endCursor: continueCursor, maximumRowsRead: 2 };
  expect(await page(again)).toMatchObject({ page: [0, 1, 2, 3, 4], continueCursor, isDone: false });
  for (let n = 0; n < 5; n++) await fixture.mutation("m:remove", { n });
  expect(await page(again)).toMatchObject({ page: [], continueCursor, isDone: false });
});

test("cursors stay right while rows come and go before and behind them", async () => {
  const first = await page();
  for (const n of [0, 2, 3]) await fixture.mutation("m:remove", { n });
  await fixture.mutation("m:add", { n: 8 });
  const second = await page({ cursor: first.continueCursor });
  expect(second.page).toEqual([4, 5, 6]);
  expect((await page({ cursor: second.continueCursor })).page).toEqual([7, 8]);
});

test("an empty table is one empty last page", async () => {
  for (let n = 0; n < 8; n++) await fixture.mutation("m:remove", { n });
  expect(await page()).toMatchObject({ page: [], isDone: true, splitCursor: null, pageStatus: null });
});
