/** Which live queries a write runs again: those whose result it can change, and no others. Counted, not timed. */
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { SharedQueries } from "../../../embedded/sync/sharedQueries.ts";
import { appCode, call, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

const APP = {
  "schema.ts": schema(
    `notes: defineTable({ board: v.string(), n: v.number(), text: v.string() })
       .index("by_board", ["board", "n"]).index("by_text", ["text"])`,
  ),
  "m.ts": functions(`
    const onBoard = (ctx, board) => ctx.db.query("notes").withIndex("by_board", (q) => q.eq("board", board));
    export const board = query((ctx, { board }) => onBoard(ctx, board).collect());
    export const first = query((ctx, { board }) => onBoard(ctx, board).first());
    export const last = query((ctx, { board }) => onBoard(ctx, board).order("desc").first());
    export const newest = query((ctx, { board, count }) => onBoard(ctx, board).order("desc").take(count));
    export const between = query((ctx, { board, from, to }) =>
      ctx.db.query("notes").withIndex("by_board", (q) => q.eq("board", board).gt("n", from).lte("n", to)).collect());
    export const withText = query((ctx, { text }) =>
      ctx.db.query("notes").withIndex("by_text", (q) => q.eq("text", text)).collect());
    export const filtered = query((ctx, { board, text }) =>
      onBoard(ctx, board).filter((q) => q.eq(q.field("text"), text)).first());
    export const page = query((ctx, { board, paginationOpts }) => onBoard(ctx, board).paginate(paginationOpts));
    export const all = query((ctx) => ctx.db.query("notes").collect());
    export const get = query((ctx, { id }) => ctx.db.get(id));
    export const add = mutation((ctx, fields) => ctx.db.insert("notes", { text: "", ...fields }));
    export const edit = mutation((ctx, { id, ...fields }) => ctx.db.patch(id, fields));
    export const remove = mutation((ctx, { id }) => ctx.db.delete(id));
  `),
};

let fixture: EngineFixture;
/** Notes 1, 3, 5, 7, 9 of the boards a and b. */
const ids = new Map<string, string>();

beforeAll(async () => {
  fixture = await EngineFixture.with(await appCode(APP));
  for (const board of ["a", "b"]) {
    for (const n of [1, 3, 5, 7, 9])
      ids.set(`${board}${n}`, String(await fixture.mutation("m:add", { board, n, text: `${board}${n}` })));
  }
});
afterAll(() => fixture.close());

const added: string[] = [];
beforeEach(async () => {
  for (const id of added.splice(0)) await fixture.mutation("m:remove", { id });
});

/** Watches queries, by a name each. @returns what tells which of them a write runs again. */
async function watch(
  queries: Record<string, [name: string, args: unknown]>,
): Promise<(name: string, args: Record<string, unknown>) => Promise<string[]>> {
  const ran: string[] = [];
  const nameOf = new Map(
    Object.entries(queries).map(([key, [name, args]]) => [
      `${call(name, args).name} ${JSON.stringify(args)}`,
      key,
    ]),
  );
  const live = new SharedQueries<string>((calls) => {
    for (const { name, argsJson } of calls) ran.push(nameOf.get(`${name} ${argsJson}`) ?? name);
    return fixture.engine.runQueries(calls);
  }, performance.now.bind(performance));
  onTestFinished(fixture.engine.onCommit((commit) => live.onCommit(commit)));
  const refresh = async (): Promise<void> => {
    await live.refresh(fixture.engine.latestTs(), () => undefined);
  };
  for (const [name, args] of Object.values(queries)) live.subscribe("tab", call(name, args));
  await refresh();
  return async (name, args) => {
    ran.length = 0;
    const result = await fixture.mutation(`m:${name}`, args);
    if (name === "add") added.push(String(result));
    await refresh();
    return ran.toSorted();
  };
}

const a = { board: "a" };

test("an insert runs what reads a range that holds it", async () => {
  const write = await watch({
    board: ["m:board", a],
    other: ["m:board", { board: "b" }],
    inside: ["m:between", { ...a, from: 3, to: 5 }],
    outside: ["m:between", { ...a, from: 5, to: 9 }],
    text: ["m:withText", { text: "new" }],
    otherText: ["m:withText", { text: "newer" }],
    all: ["m:all", {}],
  });
  expect(await write("add", { ...a, n: 4, text: "new" })).toEqual(["all", "board", "inside", "text"]);
  expect(await write("add", { ...a, n: 5, text: "x" })).toEqual(["all", "board", "inside"]);
  expect(await write("add", { ...a, n: 3, text: "x" })).toEqual(["all", "board"]);
});

test("`first` and `take` depend on what comes before their last row, in the order they read", async () => {
  const write = await watch({
    first: ["m:first", a],
    last: ["m:last", a],
    newest: ["m:newest", { ...a, count: 2 }],
    more: ["m:newest", { ...a, count: 50 }],
  });
  expect(await write("add", { ...a, n: 4 })).toEqual(["more"]);
  expect(await write("add", { ...a, n: 8 })).toEqual(["more", "newest"]);
  expect(await write("add", { ...a, n: 10 })).toEqual(["last", "more", "newest"]);
  expect(await write("add", { ...a, n: 0 })).toEqual(["first", "more"]);
});

test("an edit runs what holds the document, before or after", async () => {
  const write = await watch({
    from: ["m:board", { board: "b" }],
    to: ["m:board", { board: "moved" }],
    elsewhere: ["m:board", a],
    get: ["m:get", { id: ids.get("b5") }],
    neighbour: ["m:get", { id: ids.get("b7") }],
    oldText: ["m:withText", { text: "b5" }],
  });
  const id = ids.get("b5");
  expect(await write("edit", { id, board: "moved" })).toEqual(["from", "get", "oldText", "to"]);
  expect(await write("edit", { id, text: "t" })).toEqual(["get", "oldText", "to"]);
  expect(await write("edit", { id, board: "b", text: "b5" })).toEqual(["from", "get", "oldText", "to"]);
});

test("a filter depends on the rows it looked at, found or not", async () => {
  const write = await watch({
    found: ["m:filtered", { ...a, text: "a3" }],
    missing: ["m:filtered", { ...a, text: "none" }],
  });
  expect(await write("add", { ...a, n: 4 })).toEqual(["missing"]);
  expect(await write("add", { ...a, n: 2 })).toEqual(["found", "missing"]);
});

test("a page depends on its own rows, and keeps its end", async () => {
  const options = { numItems: 2, cursor: null };
  const [first] = await fixture.engine.runQueries([call("m:page", { ...a, paginationOpts: options })]);
  const { continueCursor } = JSON.parse((first!.result as { valueJson: string }).valueJson) as {
    continueCursor: string;
  };
  const write = await watch({
    one: ["m:page", { ...a, paginationOpts: options }],
    two: ["m:page", { ...a, paginationOpts: { numItems: 2, cursor: continueCursor } }],
  });
  expect(await write("add", { ...a, n: 2 })).toEqual(["one"]);
  expect(await write("add", { ...a, n: 2.5 })).toEqual(["one"]);
  expect(await write("add", { ...a, n: 4 })).toEqual(["two"]);
  expect(await write("add", { ...a, n: 8 })).toEqual([]);
});

test("of a thousand boards only the one written to runs again", async () => {
  const boards = Array.from({ length: 1000 }, (_, n) => [`board ${n}`, ["m:board", { board: `crowd ${n}` }]]);
  const write = await watch(Object.fromEntries(boards) as Record<string, [string, unknown]>);
  expect(await write("add", { board: "crowd 500", n: 1 })).toEqual(["board 500"]);
  expect(await write("add", { board: "nobody", n: 1 })).toEqual([]);
});
