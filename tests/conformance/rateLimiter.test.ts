/** The component `@convex-dev/rate-limiter`, unmodified. */
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

interface Limit {
  ok: boolean;
  retryAfter?: number;
}

let app: TestApp;
let key: string;

beforeAll(async () => {
  app = await openApp("packages");
});
afterAll(() => app.close());

const fresh = (): string => (key = freshName("key"));
const limit = (name: string, options: { count?: number; reserve?: boolean } = {}): Promise<Limit> =>
  app.mutation<Limit>("limits:limit", { name, key, ...options });

async function allowed(name: string, calls: number): Promise<boolean[]> {
  const answers: boolean[] = [];
  for (let call = 0; call < calls; call += 1) answers.push((await limit(name)).ok);
  return answers;
}

test("a token bucket allows its rate, then says when to come back", async () => {
  fresh();
  expect(await allowed("bucket", 3)).toEqual([true, true, true]);
  const refused = await limit("bucket");
  expect(refused.ok).toBe(false);
  expect(refused.retryAfter).toBeGreaterThan(0);
  expect(refused.retryAfter).toBeLessThanOrEqual(20 * 60_000);
});

test("the capacity of a bucket is what may come at once", async () => {
  fresh();
  expect(await allowed("burst", 6)).toEqual([true, true, true, true, true, false]);
});

test("a bucket fills with time", async () => {
  fresh();
  expect(await allowed("quick", 1)).toEqual([true]);
  let attempt = await limit("quick");
  while (!attempt.ok) attempt = await limit("quick");
  expect(attempt.ok).toBe(true);
});

test("a fixed window allows its rate", async () => {
  fresh();
  expect(await allowed("window", 3)).toEqual([true, true, false]);
});

test("many tokens at once are one request", async () => {
  fresh();
  expect((await limit("burst", { count: 4 })).ok).toBe(true);
  expect((await limit("burst", { count: 2 })).ok).toBe(false);
  expect((await limit("burst", { count: 1 })).ok).toBe(true);
});

test("keys do not share, and a limit without a key is one for all", async () => {
  fresh();
  expect(await allowed("window", 3)).toEqual([true, true, false]);
  fresh();
  expect(await allowed("window", 1)).toEqual([true]);
});

test("a reservation is granted ahead of its time, as far as the limit lets it", async () => {
  fresh();
  expect(await limit("reserving")).toEqual({ ok: true });
  const reserved = await limit("reserving", { reserve: true });
  expect(reserved).toEqual({ ok: true, retryAfter: expect.any(Number) });
  expect((await limit("reserving", { reserve: true })).ok).toBe(true);
  expect((await limit("reserving", { reserve: true })).ok).toBe(false);
});

test("with `throws` a refusal is a ConvexError that names the limit", async () => {
  fresh();
  await allowed("window", 2);
  const error = await app
    .mutation("limits:limit", { name: "window", key, throws: true })
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConvexError);
  expect((error as ConvexError<Record<string, string>>).data).toMatchObject({
    kind: "RateLimited",
    name: "window",
  });
});

test("check consumes nothing", async () => {
  fresh();
  for (let i = 0; i < 5; i += 1)
    expect(await app.query("limits:check", { name: "window", key })).toEqual({ ok: true });
  expect(await allowed("window", 2)).toEqual([true, true]);
  expect(await app.query<Limit>("limits:check", { name: "window", key })).toMatchObject({ ok: false });
});

test("reset starts anew", async () => {
  fresh();
  expect(await allowed("window", 3)).toEqual([true, true, false]);
  await app.mutation("limits:reset", { name: "window", key });
  expect(await allowed("window", 1)).toEqual([true]);
});

test("what a failing mutation consumed is given back", async () => {
  fresh();
  for (let i = 0; i < 5; i += 1) {
    await expect(app.mutation("limits:limitAndThrow", { key })).rejects.toThrow("after the limit");
  }
  expect(await allowed("bucket", 3)).toEqual([true, true, true]);
});

test("a limit given inline, and one used by an action", async () => {
  fresh();
  expect(await app.mutation<Limit>("limits:inline", { key })).toEqual({ ok: true });
  expect((await app.mutation<Limit>("limits:inline", { key })).ok).toBe(false);
  expect(await app.action<Limit>("limits:limitInAction", { name: "window", key })).toEqual({ ok: true });
});

test("shards together allow no more than the limit, and nearly all of it", async () => {
  fresh();
  const clients = Array.from({ length: 60 }, () => limit("sharded"));
  const granted = (await Promise.all(clients)).filter(({ ok }) => ok).length;
  expect(granted).toBeLessThanOrEqual(40);
  expect(granted).toBeGreaterThanOrEqual(30);
});

test("getValue follows what is consumed, live", async () => {
  fresh();
  const seen = watch<{ value: number; kind: string }>(app.connect(), "limits:value", { name: "bucket", key });
  expect(await seen.reached(() => true)).toMatchObject({ value: 3, kind: "token bucket" });
  await limit("bucket", { count: 2 });
  expect((await seen.reached(({ value }) => value < 3)).value).toBeCloseTo(1, 1);
});

describe("a limit applied asynchronously", () => {
  test("is consumed by the component's worker, soon after", async () => {
    fresh();
    const seen = watch<{ value: number }>(app.connect(), "limits:value", { name: "lazy", key });
    await seen.reached(({ value }) => value === 4);
    for (let i = 0; i < 4; i += 1) expect((await limit("lazy")).ok).toBe(true);
    await seen.reached(({ value }) => value < 1);
    expect((await limit("lazy")).ok).toBe(false);
  });

  test("is reset by it, too", async () => {
    fresh();
    const seen = watch<{ value: number }>(app.connect(), "limits:value", { name: "lazy", key });
    await limit("lazy", { count: 4 });
    await seen.reached(({ value }) => value < 1);
    seen.results.length = 0;
    await app.mutation("limits:reset", { name: "lazy", key });
    expect((await seen.reached(({ value }) => value === 4)).value).toBe(4);
  });
});
