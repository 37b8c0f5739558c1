/** What a query or mutation may not do, and what never passes from one call to the next. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("runtime");
});
afterAll(() => app.close());

const advice =
  "in queries and mutations. Please consider using an action. " +
  "See https://docs.convex.dev/functions/actions for more details.";

describe("determinism", () => {
  test.each([
    ["fetch", "fetch()"],
    ["setTimeout", "setTimeout"],
    ["setInterval", "setInterval"],
  ])("%s is refused with advice", async (what, name) => {
    await expect(app.query("rules:forbidden", { what })).rejects.toThrow(`Can't use ${name} ${advice}`);
  });

  test("fetch is refused in mutations too", async () => {
    await expect(app.mutation("rules:forbiddenInMutation")).rejects.toThrow(`Can't use fetch() ${advice}`);
  });

  test("the clock stands still during a call and shows the present", async () => {
    const { start, end, date } = await app.query<{ start: number; end: number; date: number }>("rules:clock");
    expect([end, date]).toEqual([start, start]);
    expect(Math.abs(start - Date.now())).toBeLessThan(60_000);
  });

  test("random numbers differ within a call and between calls", async () => {
    const first = await app.mutation<unknown[]>("rules:random");
    const second = await app.mutation<unknown[]>("rules:random");
    expect(new Set([...first, ...second]).size).toBe(6);
    expect(first[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("the time zone is UTC", async () => {
    expect(await app.query("rules:timeZone")).toEqual([0, Date.UTC(2026, 0, 1)]);
  });

  test("a query cannot write", async () => {
    await expect(app.query("rules:writeInQuery")).rejects.toThrow("is not a function");
  });
});

describe("isolation", () => {
  test("no state of a module or of globalThis passes from call to call", async () => {
    for (let call = 0; call < 3; call += 1) {
      expect(await app.mutation("rules:countInModule")).toEqual([1, 1, 1]);
    }
  });

  test("a builtin that one call patched is whole in the next", async () => {
    // A deployment may refuse the patch instead: then no call sees it either.
    const results = [0, 1].map(() => app.mutation("rules:patchesBuiltin").catch(() => null));
    expect(await Promise.all(results)).toEqual([null, null]);
  });

  test("node's own things are not there", async () => {
    expect(await app.query("rules:noNode")).toEqual(["undefined", "undefined", "undefined"]);
  });

  test("what the runtime has in queries", async () => {
    expect(await app.query("rules:platform")).toEqual({
      text: "grün",
      url: "a=1",
      headers: "b",
      clone: { a: [1] },
      digest: 0xba,
    });
  });
});

describe("calls that do not end", () => {
  test("a busy loop behind an await is ended, and the next call works", async () => {
    await expect(app.mutation("rules:busyLoop")).rejects.toThrow(
      "Function execution timed out (maximum duration: 1s)",
    );
    expect(await app.mutation("rules:countInModule")).toEqual([1, 1, 1]);
  });

  test("a promise that never settles is an error", async () => {
    await expect(app.query("rules:neverSettles")).rejects.toThrow("Returned promise will never resolve");
  });

  test("a rejected promise that nobody handles fails the function", async () => {
    await expect(app.query("rules:forgetsRejection")).rejects.toThrow("forgotten");
  });

  test("an endless recursion is an error", async () => {
    await expect(app.query("rules:deepRecursion")).rejects.toThrow("Maximum call stack size exceeded");
  });
});

test("log lines come back with the result, each with its level", async () => {
  const response = await fetch(`${app.target.url}/api/query`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ path: "rules:logs", args: {}, format: "json" }),
  });
  const { logLines } = (await response.json()) as { logLines: string[] };
  expect(logLines.map((line) => line.replace(/^\[(\w+)\].*/s, "$1"))).toEqual(["LOG", "WARN", "ERROR"]);
  expect(logLines[0]).toContain("text");
});
