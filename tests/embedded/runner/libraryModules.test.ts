import { expect, test } from "vitest";
import { queries, stepCalls } from "../../support/stepRealmFixture.ts";

/** A second module makes the bundler split off what both import. */
const other = { "n.ts": queries({ other: `return null` }, `import { v } from "convex/values"; v.string();`) };

const ofPackage = `import { ConvexError, v, convexToJson } from "convex/values"; import { anyApi, defineTable, getFunctionName } from "convex/server";`;

test.each([
  "v",
  "ConvexError",
  "ConvexError.prototype",
  "defineTable",
  "Object.getPrototypeOf(v.string())",
  'Object.getPrototypeOf(ctx.db.query("t"))',
  "query",
])("a property put on %s of Convex's package is gone in the next run", async (owner) => {
  const { call, log } = await stepCalls({
    "m.ts": queries(
      {
        leave: `return Reflect.set(${owner} as any, "left", 1)`,
        find: `return "left" in (${owner} as any)`,
      },
      ofPackage,
    ),
    ...other,
  });
  call("m:leave");
  expect(call("m:find")).toBe(false);
  expect(log).toEqual([]);
});

test("the package serves each run with its own Convex and its own log", async () => {
  const asked: string[] = [];
  const { call, logLines } = await stepCalls(
    {
      "m.ts": queries(
        {
          ask: `return [await ctx.db.get("id" + args.n), getFunctionName(anyApi.a.b), JSON.stringify(convexToJson(5n))]`,
          fail: `class Missing extends ConvexError<any> { constructor() { super({ n: 1n }); this.name = "Missing"; } }; throw new Missing()`,
          show: `console.log(new ConvexError("x").name, v.string().kind); return null`,
        },
        ofPackage,
      ),
      ...other,
    },
    { asyncSyscall: (_, argsJson) => (asked.push(argsJson), `{"asked":${asked.length}}`) },
  );
  expect(call("m:ask", { n: 1 })).toEqual([{ asked: 1 }, "a:b", `{"$integer":"BQAAAAAAAAA="}`]);
  expect(call("m:ask", { n: 2 })).toEqual([{ asked: 2 }, "a:b", `{"$integer":"BQAAAAAAAAA="}`]);
  expect(asked.map((json) => (JSON.parse(json) as { id: string }).id)).toEqual(["id1", "id2"]);
  expect(call("m:fail")).toMatch(/^Uncaught Missing: .*"n"/);
  expect(call("m:show")).toBe(null);
  expect(logLines).toEqual(["[LOG] 'ConvexError' 'string'"]);
});

test("what two modules of the app share has new state in each run", async () => {
  const counts = { "m.ts": queries({ count: `return next()` }, `import { next } from "./counter";`) };
  const { call } = await stepCalls({
    ...counts,
    "n.ts": queries({ count: `return next()` }, `import { next } from "./counter";`),
    "counter.ts": `let count = 0; export const next = () => ++count;`,
  });
  expect([call("m:count"), call("n:count"), call("m:count")]).toEqual([1, 1, 1]);
});
