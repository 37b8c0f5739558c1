/** Transactions: all or nothing, one after another, and subtransactions that are undone alone. */
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeFunctionReference } from "convex/server";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

let app: TestApp;
let bag: string;

beforeAll(async () => {
  app = await openApp("transactions");
});
afterAll(() => app.close());

const increment = makeFunctionReference<"mutation", { bag: string }, number>("counters:increment");
const write = makeFunctionReference<"mutation", { bag: string; text: string }>("counters:write");
const fresh = (): string => (bag = freshName("transactions"));
const texts = (): Promise<string[]> => app.query<string[]>("counters:texts", { bag });

test("a mutation that throws leaves nothing behind", async () => {
  fresh();
  await expect(app.mutation("counters:writeAndThrow", { bag })).rejects.toThrow("the mutation failed");
  expect(await texts()).toEqual([]);
});

test("a ConvexError reaches the caller with its data", async () => {
  fresh();
  const data = { code: 7n, list: [null, "x"] };
  const error = await app
    .mutation("counters:writeAndThrow", { bag, data })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConvexError);
  expect((error as ConvexError<typeof data>).data).toEqual(data);
});

test("many clients that count at once lose no count", async () => {
  fresh();
  const clients = Array.from({ length: 5 }, () => app.connect());
  const results = await Promise.all(
    clients.flatMap((client) => Array.from({ length: 10 }, () => client.mutation(increment, { bag }))),
  );
  expect(results.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  expect(await app.query("counters:read", { bag })).toBe(50);
});

test("the mutations of one client apply in the order of their calls", async () => {
  fresh();
  const client = app.connect();
  const words = ["one", "two", "three", "four", "five"];
  await Promise.all(words.map((text) => client.mutation(write, { bag, text })));
  expect(await texts()).toEqual(words);
});

test("an inner mutation that fails and is caught is undone alone", async () => {
  fresh();
  const { message, seen } = await app.mutation<{ message: string; seen: string[] }>("counters:catchInner", {
    bag,
  });
  expect(message).toContain("the mutation failed");
  expect(seen).toEqual(["before", "after"]);
  expect(await texts()).toEqual(["before", "after"]);
});

test("of inner mutations in one another only the failing one is undone", async () => {
  fresh();
  expect(await app.mutation("counters:catchInnermost", { bag })).toEqual(["middle"]);
});

test("a caught error of an inner mutation is a ConvexError with its data", async () => {
  fresh();
  expect(await app.mutation("counters:innerData", { bag })).toEqual({
    isConvexError: true,
    data: { code: 7 },
  });
});

test("what a failed inner mutation scheduled never runs", async () => {
  fresh();
  const seen = watch<string[]>(app.connect(), "counters:texts", { bag });
  await app.mutation("counters:catchInnerSchedule", { bag });
  // Scheduled second, so whatever the first one left would have run before.
  expect(await seen.reached((texts) => texts.length > 0)).toEqual(["scheduled outside"]);
});

test("calls side by side in one mutation run one after another", async () => {
  fresh();
  const results = await app.mutation<number[]>("counters:inParallel", { bag });
  expect(results.toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
});

test("the steps of an action are transactions of their own", async () => {
  fresh();
  expect(await app.action("counters:stepwise", { bag })).toContain("the mutation failed");
  expect(await texts()).toEqual(["step one"]);
});

test("with useStaleSnapshot a query inside a mutation sees the committed state", async () => {
  fresh();
  await app.mutation("counters:write", { bag, text: "committed" });
  expect(await app.mutation("counters:snapshotDuringWrite", { bag })).toEqual({
    own: ["committed", "uncommitted"],
    committed: ["committed"],
  });
});

describe("db.vars.commitTs", () => {
  interface Stamped {
    text: string;
    at: bigint;
  }
  const stamped = (after?: bigint): Promise<Stamped[]> =>
    app.query<Stamped[]>("stamps:list", after === undefined ? { bag } : { bag, after });

  test("all documents of one mutation get one timestamp, those of a later one a larger", async () => {
    fresh();
    await app.mutation("stamps:add", { bag, texts: ["a", "b"] });
    await app.mutation("stamps:add", { bag, texts: ["c"] });
    const [a, b, c] = await stamped();
    expect(a).toEqual({ text: "a", at: expect.any(BigInt) });
    expect(b!.at).toBe(a!.at);
    expect(c!.at).toBeGreaterThan(a!.at);
  });

  test("an index over it gives what is new since the last look", async () => {
    fresh();
    await app.mutation("stamps:add", { bag, texts: ["old"] });
    const [old] = await stamped();
    await app.mutation("stamps:add", { bag, texts: ["new"] });
    expect((await stamped(old!.at)).map(({ text }) => text)).toEqual(["new"]);
  });

  test("within its mutation it is a placeholder that finds the mutation's own documents, and the last of all", async () => {
    fresh();
    await app.mutation("stamps:add", { bag, texts: ["earlier"] });
    expect(await app.mutation("stamps:ownStamps", { bag })).toEqual({
      isPlaceholder: true,
      own: ["own"],
      last: "own",
    });
  });

  test("it passes through other mutations and patches", async () => {
    fresh();
    await app.mutation("stamps:passOn", { bag });
    const [one, two] = await stamped();
    expect(two!.at).toBe(one!.at);
    expect(one!.at).toBeGreaterThan(1n);
  });

  test("a snapshot is not older than what it shows", async () => {
    fresh();
    await app.mutation("stamps:add", { bag, texts: ["x"] });
    const [x] = await stamped();
    expect(await app.query<bigint>("stamps:storeSnapshotTs")).toBeGreaterThanOrEqual(x!.at);
  });

  test("a client cannot send one", async () => {
    const response = await fetch(`${app.target.url}/api/mutation`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        path: "stamps:put",
        format: "convex_encoded_json",
        args: [{ bag: fresh(), text: "forged", at: { $commitTs: null } }],
      }),
    });
    expect(await response.text()).not.toContain('"status":"success"');
    expect(await stamped()).toEqual([]);
  });
});
