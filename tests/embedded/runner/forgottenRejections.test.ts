/** Promises that a query or a mutation rejects and nobody handles. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { deployedCode, EngineFixture, functions } from "../../support/engineFixture.ts";
import { queryValue, runQuery } from "../../support/testRealm.ts";

const fails = `const fails = async (text) => { throw new Error(text); };`;

test("a promise that a query forgot fails it, whatever it returns", async () => {
  expect(await runQuery(`${fails} void fails("forgotten"); return "returned"`)).toEqual({
    status: "threw",
    message: expect.stringMatching(/^Uncaught Error: forgotten\n\s+at .*m\.ts/) as string,
  });
});

test.each([
  ["an awaited one", `try { await fails("x") } catch { return "ok" }`],
  ["one that is handled later", `const p = fails("x"); await 1; await 2; return await p.catch(() => "ok")`],
  ["all of Promise.all", `return await Promise.all([fails("x"), fails("y")]).catch(() => "ok")`],
  ["the loser of a race", `return await Promise.race(["ok", fails("x")])`],
])("%s fails nothing", async (_what, body) => {
  expect(await queryValue(fails + body)).toBe("ok");
});

test("the error a function throws goes before one it forgot, and that one before a wait without end", async () => {
  expect(await queryValue(`${fails} void fails("forgotten"); throw new Error("own")`)).toContain("own");
  expect(await queryValue(`${fails} void fails("forgotten"); await new Promise(() => {})`)).toContain(
    "forgotten",
  );
});

test("what is no error can be forgotten, too", async () => {
  expect(await queryValue(`void Promise.reject(null); return 1`)).toContain("Uncaught null");
  expect(await queryValue(`queueMicrotask(() => { throw new Error("soon") }); return 1`)).toContain("soon");
});

let fixture: EngineFixture;
beforeAll(async () => {
  const app = functions(`
    ${fails}
    export const forgets = mutation(async (ctx) => { await ctx.db.insert("notes", {}); void ctx.db.insert("notes", { bad: () => 1 }); return 1; });
    export const catches = mutation(async (ctx) => {
      await ctx.db.insert("notes", {});
      const inner = await ctx.runMutation(anyApi.m.forgets, {}).catch((error) => error.message.split("\\n")[0]);
      return [inner, await fails("mine").catch(() => "handled")];
    });
    export const hands = mutation(async (ctx) => {
      const promise = fails("handled after the call");
      await ctx.runMutation(anyApi.m.writes, {});
      return await promise.catch(() => "ok");
    });
    export const writes = mutation(async (ctx) => { await ctx.db.insert("notes", {}); });
    export const count = query(async (ctx) => (await ctx.db.query("notes").collect()).length);
  `);
  fixture = await EngineFixture.with(await deployedCode({ "": { files: { "m.ts": app } } }));
});
afterAll(() => fixture.close());

test("a mutation that forgot a rejection leaves no write, and fails alone when another calls it", async () => {
  await expect(fixture.mutation("m:forgets")).rejects.toThrow("is not a supported Convex type");
  expect(await fixture.query("m:count")).toBe(0);
  expect(await fixture.mutation("m:catches")).toEqual([
    expect.stringContaining("is not a supported Convex type"),
    "handled",
  ]);
  expect(await fixture.query("m:count")).toBe(1);
});

test("what the caller has still to handle is not its callee's", async () => {
  expect(await fixture.mutation("m:hands")).toBe("ok");
});

test("a rejection of the host's own is Node's as before", async () => {
  await queryValue("return 1");
  const [told, handled] = [Promise.withResolvers<unknown>(), Promise.reject(new Error("handled"))];
  await expect(handled).rejects.toThrow("handled");
  const others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.once("unhandledRejection", told.resolve);
  void Promise.reject(new Error("of the host"));
  expect(await told.promise).toMatchObject({ message: "of the host" });
  for (const listener of others) process.on("unhandledRejection", listener);
});
