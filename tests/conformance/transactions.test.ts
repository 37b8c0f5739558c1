/** Transactions: all or nothing, one after another, and subtransactions that are undone alone. */
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, expect, test } from "vitest";
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
