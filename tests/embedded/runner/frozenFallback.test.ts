import { expect, test } from "vitest";
import { queries, stepCalls } from "../../support/stepRealmFixture.ts";

const ownRealm = (reason: string): unknown =>
  expect.stringMatching(
    new RegExp(`^Functions of m.js run in realms of their own from now on.*: .*${reason}`),
  );

test.each([
  [`Array.prototype.sum = function () { return this.reduce((a, b) => a + b) }`, `[1, 2].sum()`, "sum"],
  [`Object.defineProperty(String.prototype, "shout", { get() { return this + "!" } })`, `"3".shout`, "shout"],
  [`Math.max = () => 3`, `Math.max(1, 2)`, "max"],
  [`globalThis.Answer = 3`, `Answer`, "Answer"],
  [`globalThis.Date = class { static now() { return 3 } } as any`, `Date.now()`, "Date"],
  [`(globalThis as any).Buffer = { size: 3 }`, `typeof Buffer === "undefined" ? 0 : Buffer.size`, "Buffer"],
])("a module that says %s works, in a realm of its own", async (before, expression, reason) => {
  const { call, log, attempts } = await stepCalls({
    "m.ts": queries({ run: `return ${expression}` }, before),
    "n.ts": queries({ run: `return [typeof [].sum, typeof "".shout, Math.max(1, 2), typeof Map]` }),
  });
  const results = [call("m:run"), call("m:run")];
  expect(results).toEqual(results[0] === "3!" ? ["3!", "3!"] : [3, 3]);
  expect(log).toEqual([ownRealm(reason)]);
  expect(attempts()).toBe(3);
  expect(call("n:run")).toEqual(["undefined", "undefined", 2, "function"]);
});

test("a call that changes a built-in object only when it runs is run again, and only then", async () => {
  const { call, log, attempts } = await stepCalls({
    "m.ts": queries({
      change: `Object.prototype.left = 1; return ({} as any).left`,
      other: `return ({} as any).left ?? null`,
    }),
  });
  expect(call("m:other")).toBe(null);
  expect(call("m:change")).toBe(1);
  expect(call("m:other")).toBe(null);
  expect([attempts(), log]).toEqual([4, [ownRealm("left")]]);
});

test("code that meets its own frozen object gets its error, and stays in a kept realm", async () => {
  const { call, log } = await stepCalls({
    "m.ts": queries({ run: `const own: any = Object.freeze({ a: 1 }); own.a = 2; return own` }),
  });
  expect(call("m:run")).toContain("Uncaught TypeError: Cannot assign to read only property 'a'");
  expect(call("m:run")).toContain("Uncaught TypeError: Cannot assign to read only property 'a'");
  expect(log).toEqual([]);
});
