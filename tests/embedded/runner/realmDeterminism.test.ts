import { expect, test } from "vitest";
import { queryValue, runQuery } from "../../support/testRealm.ts";

const frozenAt = Date.UTC(2026, 0, 2);

test("the clock of a query stands still, at the time the host gives", async () => {
  const body = `await 1; const d = new Date(); return [Date.now(), d.getTime(), new Date(5).getTime(), new Date("2020-01-01").getTime(),
    d instanceof Date, Object.prototype.toString.call(d), performance.now(), typeof Date()]`;
  expect(await queryValue(body)).toEqual([
    frozenAt,
    frozenAt,
    5,
    Date.UTC(2020, 0, 1),
    true,
    "[object Date]",
    0,
    "string",
  ]);
});

test("Intl shows the clock of the query where it is given no date", async () => {
  const body = `const format = new Intl.DateTimeFormat("en-CA");
    const { format: loose } = format;
    return [format.format(), loose(), format.format(0), format.formatToParts().map((part) => part.value).join(""),
      new Date().toLocaleDateString("en-CA"), format.format === format.format, Date.length, Date.name]`;
  const today = "2026-01-02";
  expect(await queryValue(body)).toEqual([today, today, "1970-01-01", today, today, true, 7, "Date"]);
});

test("time passes for performance.now() in a mutation, and in no query", async () => {
  const spin = `const start = performance.now(); for (let n = 0; n < 1e6; n++) Math.sqrt(n); return performance.now() > start`;
  expect(await queryValue(spin)).toBe(false);
  expect(await queryValue(spin, { environment: "mutation" })).toBe(true);
});

test("nothing tells of garbage collection", async () => {
  const body = `const target = {}; const seen = [new WeakRef(target).deref() === target, String(new WeakRef(target))];
    for (const wrong of [() => new WeakRef(1), () => new FinalizationRegistry(), () => new FinalizationRegistry(() => {}).register(1)])
      try { wrong() } catch (error) { seen.push(error.message) }
    return seen`;
  expect(await queryValue(body)).toEqual([
    true,
    "[object WeakRef]",
    "target must be an object",
    "cleanup must be callable",
    "target must be an object",
  ]);
});

test("a class can extend the frozen Date", async () => {
  expect(
    await queryValue(
      `class Later extends Date {}; const l = new Later(); return [l instanceof Later, l.getTime()]`,
    ),
  ).toEqual([true, frozenAt]);
});

test("randomness follows from the seed alone", async () => {
  const body = `const bytes = crypto.getRandomValues(new Uint8Array(4)); return [Math.random(), Math.random(), crypto.randomUUID(), [...bytes]]`;
  const first = await queryValue(body, { seed: "one" });
  expect(await queryValue(body, { seed: "one" })).toEqual(first);
  expect(await queryValue(body, { seed: "two" })).not.toEqual(first);
  const [a, b, uuid] = first as [number, number, string];
  expect(a).not.toBe(b);
  expect(a >= 0 && a < 1).toBe(true);
  expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test.each([
  "fetch('http://localhost')",
  "setTimeout(() => {}, 1)",
  "setInterval(() => {}, 1)",
  "crypto.subtle.generateKey()",
])("%s is refused in a query with Convex's advice", async (call) => {
  expect(await queryValue(`await ${call}`)).toContain(
    "in queries and mutations. Please consider using an action.",
  );
});

test("digests are there at once", async () => {
  const body = `const d = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
    return Array.from(new Uint8Array(d), (b) => b.toString(16).padStart(2, "0")).join("")`;
  expect(await queryValue(body)).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("a busy loop behind an await is ended at the time limit", async () => {
  expect(await runQuery(`await 1; for (;;) {}`, { timeLimitMs: 20 })).toEqual({
    status: "timedOut",
    limitMs: 20,
  });
});

test("a promise that nothing settles is reported, not waited for", async () => {
  expect(await runQuery(`await new Promise(() => {})`)).toEqual({ status: "neverSettles" });
});

test("a busy loop while a module is imported is ended, too", async () => {
  const { compileModules } = await import("../../../embedded/runner/compileModules.ts");
  const { testRealm } = await import("../../support/testRealm.ts");
  const [module] = await compileModules([{ path: "a.js", source: "for (;;);", environment: "isolate" }]);
  const realm = testRealm({ "a.js": module! }, { environment: "analysis", timeLimitMs: 20 });
  expect(() => realm.importModule("a.js")).toThrow("timed out");
});
