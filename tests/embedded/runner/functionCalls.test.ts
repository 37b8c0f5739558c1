import { afterAll, beforeAll, expect, test } from "vitest";

import type { Caller } from "../../../embedded/protocol/calls.ts";
import type { QueryRun } from "../../../embedded/protocol/engine.ts";
import { call, deployedCode, EngineFixture, functions, valueOf } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

const user: Caller = {
  kind: "user",
  attributes: {
    tokenIdentifier: "https://issuer|ann",
    issuer: "https://issuer",
    subject: "ann",
    name: "Ann",
  },
  token: "ann's",
  expiresAtMs: Infinity,
};
const admin: Caller = { kind: "admin", impersonating: null };

const APP = functions(`
  export const double = query({ args: { n: v.number() }, returns: v.number(), handler: async (ctx, { n }) => n * 2 });
  export const wrongReturn = query({ args: {}, returns: v.number(), handler: async () => "text" });
  export const nothing = query(async () => {});
  export const secret = internalQuery({ args: {}, handler: async () => "secret" });
  export const viaSecret = query(async (ctx) => await ctx.runQuery(anyApi.m.secret, {}));
  export const write = mutation({ args: { text: v.optional(v.string()) }, handler: async (ctx, { text = "x" }) => await ctx.db.insert("notes", { text }) });
  export const queryWrites = query(async (ctx) => await ctx.runMutation?.(anyApi.m.write, {}) ?? "no runMutation");
  export const mutationOfQuery = mutation(async (ctx) => await ctx.runMutation(anyApi.m.secret, {}));
  export const who = query(async (ctx) => (await ctx.auth.getUserIdentity())?.name ?? null);
  export const whoInMutation = mutation(async (ctx) => await ctx.runQuery(anyApi.m.who, {}));
  export const throws = query(async () => { throw new Error("boom"); });
  export const throwsData = mutation(async () => { const { ConvexError } = await import("convex/values"); throw new ConvexError({ kind: "full", limit: 3n }); });
  export const catchesData = mutation(async (ctx) => {
    try { await ctx.runMutation(anyApi.m.throwsData, {}); } catch (error) { return error.data; }
  });
  export const hangs = query(async () => { await new Promise(() => {}); });
  export const logs = query(async () => { console.log("hello", { a: 1 }); console.warn("careful"); });
  export const chatty = query(async () => { for (let n = 0; n < 1000; n++) console.log(n); });
  export const meta = mutation(async (ctx) => {
    const metrics = await ctx.meta.getTransactionMetrics();
    return { ...(await ctx.meta.getFunctionMetadata()), read: metrics.documentsRead.used, ts: typeof ctx.meta.getSnapshotTs() };
  });
  export const keys = query({ args: v.any(), handler: async (ctx, args) => Object.keys(args) });
  export const rawPatch = mutation(async (ctx, { patch }) => {
    const id = await ctx.db.insert("notes", { text: "x" });
    return await globalThis.Convex.asyncSyscall("1.0/shallowMerge", JSON.stringify({ id, value: JSON.parse(patch) }));
  });
  export const down = query({ args: { left: v.number() }, handler: async (ctx, { left }) => left === 0 ? "there" : await ctx.runQuery(anyApi.m.down, { left: left - 1 }) });
  export const environment = query(async () => [process.env.SECRET ?? null, process.env.CONVEX_CLOUD_URL ?? null]);
  export const ofChild = mutation(async (ctx, { text }) => {
    const id = await ctx.runMutation(components.shelf.books.put, { text });
    return { id, text: await ctx.runQuery(components.shelf.books.get, { id }), mine: await ctx.db.normalizeId("books", id) };
  });
  export const childFails = mutation(async (ctx) => {
    await ctx.runMutation(components.shelf.books.put, { text: "kept" });
    try { await ctx.runMutation(components.shelf.books.putAndThrow, { text: "lost" }); } catch { /* that is the point */ }
    return await ctx.runQuery(components.shelf.books.texts, {});
  });
  export const childInternal = mutation(async (ctx) => await ctx.runMutation(components.shelf.books.hidden, {}));
  export const readsChildsDocument = query(async (ctx, { id }) => await ctx.db.get(id));
  export const childKnows = query(async (ctx) => await ctx.runQuery(components.shelf.books.surroundings, {}));
  export const callBack = mutation(async (ctx) => {
    const { createFunctionHandle } = await import("convex/server");
    return await ctx.runMutation(components.shelf.books.callHandle, { handle: await createFunctionHandle(anyApi.m.write) });
  });
`);

const SHELF = functions(`
  export const put = mutation({ args: { text: v.string() }, returns: v.id("books"), handler: async (ctx, args) => await ctx.db.insert("books", args) });
  export const putAndThrow = mutation(async (ctx, args) => { await ctx.db.insert("books", args); throw new Error("no"); });
  export const get = query({ args: { id: v.id("books") }, handler: async (ctx, { id }) => (await ctx.db.get(id)).text });
  export const texts = query(async (ctx) => (await ctx.db.query("books").collect()).map((book) => book.text));
  export const hidden = internalMutation(async () => null);
  export const surroundings = query(async (ctx) => [process.env.SECRET ?? null, await ctx.auth.getUserIdentity()]);
  export const callHandle = mutation(async (ctx, { handle }) => await ctx.runMutation(handle, { text: "by handle" }));
`);

beforeAll(async () => {
  const code = await deployedCode({
    "": { files: { "m.ts": APP }, children: { shelf: "shelf" } },
    shelf: { files: { "books.ts": SHELF } },
  });
  fixture = await EngineFixture.with(code);
  await fixture.engine.setEnvironmentVariables({ SECRET: "s" });
});
afterAll(() => fixture.close());

async function queryRun(name: string, caller: Caller): Promise<QueryRun> {
  const [run] = (await fixture.engine.runQueries([call(name, {}, caller)])) as [QueryRun];
  return run;
}

test("arguments and results are checked", async () => {
  expect(await fixture.query("m:double", { n: 2 })).toBe(4);
  expect(await fixture.errorOf("m:double", { n: "2" })).toMatch(
    /^ArgumentValidationError: Value does not match validator/,
  );
  expect(await fixture.errorOf("m:wrongReturn")).toMatch(
    /^ReturnsValidationError: Value does not match validator/,
  );
  expect(await fixture.query("m:nothing")).toBeNull();
});

test("internal functions and components are there for admins and functions only", async () => {
  const notFound = "Could not find public function for 'm:secret'. Did you forget to run `npx convex dev`?";
  expect(await fixture.errorOf("m:secret")).toBe(notFound);
  expect(await fixture.errorOf("m:secret", {}, user)).toBe(notFound);
  expect(valueOf(await fixture.engine.runAny(call("m:secret", {}, admin)))).toBe("secret");
  expect(await fixture.query("m:viaSecret")).toBe("secret");
  const inside = { ...call("books:texts"), componentPath: "shelf" };
  expect(await fixture.engine.runAny(inside)).toMatchObject({ status: "error" });
  expect(await fixture.engine.runAny({ ...inside, caller: admin })).toMatchObject({ status: "success" });
});

test("a function is called as what it is", async () => {
  const { result } = await fixture.engine.runMutation(call("m:double", { n: 1 }));
  expect(result).toMatchObject({
    message: "Trying to execute m:double as Mutation, but it is defined as Query.",
  });
  expect(await fixture.errorOf("m:mutationOfQuery")).toContain("Trying to execute m:secret as Mutation");
  expect(await fixture.errorOf("m:nope")).toContain("Could not find public function for 'm:nope'");
  expect(await fixture.query("m:queryWrites")).toBe("no runMutation");
});

test("identity is seen by the app, and noted as read", async () => {
  expect(valueOf((await queryRun("m:who", user)).result)).toBe("Ann");
  expect((await queryRun("m:who", user)).readIdentity).toBe(true);
  expect((await queryRun("m:nothing", user)).readIdentity).toBe(false);
  expect(await fixture.query("m:who")).toBeNull();
  const { result } = await fixture.engine.runMutation(call("m:whoInMutation", {}, user));
  expect(valueOf(result)).toBe("Ann");
});

test("errors carry their text, their place and a ConvexError's data", async () => {
  expect(await fixture.errorOf("m:throws")).toMatch(/^Uncaught Error: boom\n {4}at .*m\.ts:\d+:\d+/);
  const { result } = await fixture.engine.runMutation(call("m:throwsData"));
  expect(result).toMatchObject({
    status: "error",
    dataJson: '{"kind":"full","limit":{"$integer":"AwAAAAAAAAA="}}',
  });
  expect(await fixture.mutation("m:catchesData")).toEqual({
    kind: "full",
    limit: { $integer: "AwAAAAAAAAA=" },
  });
});

test("a promise that nothing can settle ends the function", async () => {
  expect(await fixture.errorOf("m:hangs")).toBe("Returned promise will never resolve");
});

test("log lines come with the result and into the completions", async () => {
  const { result } = await queryRun("m:logs", user);
  expect(result.logLines).toEqual(["[LOG] 'hello' { a: 1 }", "[WARN] 'careful'"]);
  const { entries } = await fixture.engine.completionsAfter(0, 0);
  expect(entries.at(-1)).toMatchObject({
    kind: "query",
    name: "m.js:logs",
    error: null,
    logLines: result.logLines,
  });
});

test("a call keeps 256 log lines and says that there were more", async () => {
  const { logLines } = (await queryRun("m:chatty", user)).result;
  expect([logLines.length, logLines.at(-1)]).toEqual([
    256,
    "[ERROR] Log overflow (maximum 256). Remaining log lines omitted.",
  ]);
});

test("metadata", async () => {
  expect(await fixture.mutation("m:meta")).toEqual({
    name: "m:meta",
    componentPath: "",
    type: "mutation",
    visibility: "public",
    read: 0,
    ts: "bigint",
  });
});

test.each([`{"__proto__":{"text":"x"}}`, `{"a":[{"__proto__":1}]}`, `{"__proto__":null}`])(
  "%s is refused, for it would be lost without a word",
  async (json) => {
    const refusal = "Field name __proto__ is reserved";
    expect(await fixture.errorOf("m:keys", JSON.parse(json))).toContain(refusal);
    await expect(fixture.mutation("m:rawPatch", { patch: json })).rejects.toThrow(refusal);
    expect(await fixture.query("m:keys", { constructor: 1, toString: {}, hasOwnProperty: 2 })).toHaveLength(
      3,
    );
  },
);

test("functions call one another eight deep, and no deeper", async () => {
  expect(await fixture.query("m:down", { left: 8 })).toBe("there");
  expect(await fixture.errorOf("m:down", { left: 9 })).toContain(
    "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
  );
  expect(await fixture.query("m:down", { left: 8 })).toBe("there");
});

test("environment variables are the app's alone", async () => {
  expect(await fixture.query("m:environment")).toEqual(["s", "http://127.0.0.1:1"]);
  const { result } = await queryRun("m:childKnows", user);
  expect(valueOf(result)).toEqual([null, null]);
});

test("a component has tables of its own, and its documents are not the app's", async () => {
  const { id, text, mine } = (await fixture.mutation("m:ofChild", { text: "t" })) as Record<string, string>;
  expect([text, mine]).toEqual(["t", null]);
  expect(fixture.engine.listTables("shelf")).toEqual([{ name: "books", documents: 1 }]);
  expect(await fixture.errorOf("m:readsChildsDocument", { id })).toContain("not found");
});

test("a component's mutation that throws is undone alone, in the transaction of its caller", async () => {
  expect(await fixture.mutation("m:childFails")).toEqual(["t", "kept"]);
});

test("a component's internal functions cannot be called from outside it", async () => {
  expect(await fixture.errorOf("m:childInternal")).toContain("is internal to its component");
});

test("a function handle can be called from another component; a forged one cannot", async () => {
  expect(await fixture.mutation("m:callBack")).toEqual(expect.any(String));
  const forged = `function://${Buffer.from('["","m.js:secret"]').toString("base64url")}.x`;
  const inside = { ...call("books:callHandle", { handle: forged }, admin), componentPath: "shelf" };
  expect(await fixture.engine.runAny(inside)).toMatchObject({
    message: expect.stringContaining("Invalid function handle"),
  });
});

test("usage is counted per function, the called one's apart from its caller's", async () => {
  const before = fixture.engine.usage();
  await fixture.mutation("m:ofChild", { text: "counted" });
  const grown = (componentPath: string, name: string): Record<string, number> => {
    const [now, then] = [fixture.engine.usage(), before].map((all) =>
      all.find((entry) => entry.componentPath === componentPath && entry.name === name),
    );
    if (!now) throw new Error(`no usage of ${name}`);
    return {
      calls: now.calls - (then?.calls ?? 0),
      read: now.documentsRead - (then?.documentsRead ?? 0),
      written: now.documentsWritten - (then?.documentsWritten ?? 0),
      sent: now.bytesSent - (then?.bytesSent ?? 0),
    };
  };
  expect(grown("", "m.js:ofChild")).toMatchObject({ calls: 1, read: 0, written: 0 });
  expect(grown("shelf", "books.js:put")).toEqual({ calls: 1, read: 0, written: 1, sent: 0 });
  expect(grown("shelf", "books.js:get")).toEqual({ calls: 1, read: 1, written: 0, sent: 0 });
});
