import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";

let moduleCounter = 0;
const list: number[] = [];

/** State of a module does not outlive the call. */
export const countInModule = mutation({
  args: {},
  handler: async () => {
    moduleCounter += 1;
    list.push(moduleCounter);
    (globalThis as any).leak = ((globalThis as any).leak ?? 0) + 1;
    return [moduleCounter, list.length, (globalThis as any).leak];
  },
});

export const clock = query({
  args: {},
  handler: async () => {
    const start = Date.now();
    let spin = 0;
    for (let i = 0; i < 2_000_000; i += 1) spin += i % 7;
    await Promise.resolve();
    return { start, end: Date.now(), date: new Date().getTime(), spin };
  },
});

export const random = mutation({
  args: {},
  handler: async () => [Math.random(), Math.random(), crypto.randomUUID()],
});

export const forbidden = query({
  args: { what: v.string() },
  handler: async (_ctx, { what }): Promise<unknown> => {
    const forbidden: Record<string, () => unknown> = {
      fetch: () => fetch("http://127.0.0.1:1/"),
      setTimeout: () => setTimeout(() => 1, 1),
      setInterval: () => setInterval(() => 1, 1),
    };
    return await forbidden[what]!();
  },
});

export const forbiddenInMutation = mutation({
  args: {},
  handler: async () => (await fetch("http://127.0.0.1:1/")).status,
});

export const writeInQuery = query({
  args: {},
  handler: async (ctx) => await (ctx.db as any).insert("rules", {}),
});

export const busyLoop = mutation({
  args: {},
  handler: async () => {
    await Promise.resolve();
    for (;;) moduleCounter += 1;
  },
});

/** Nobody awaits the promise that fails. */
export const forgetsRejection = query({
  args: {},
  handler: async () => {
    void (async () => {
      throw new Error("forgotten");
    })();
    return "returned";
  },
});

export const neverSettles = query({ args: {}, handler: async () => await new Promise(() => undefined) });

export const deepRecursion = query({
  args: {},
  handler: async () => {
    const down = (depth: number): number => down(depth + 1) + 1;
    return down(0);
  },
});

export const timeZone = query({
  args: {},
  handler: async () => [new Date(0).getTimezoneOffset(), new Date(2026, 0, 1).getTime()],
});

export const platform = query({
  args: {},
  handler: async () => ({
    text: new TextDecoder().decode(new TextEncoder().encode("grün")),
    url: new URLSearchParams({ a: "1" }).toString(),
    headers: new Headers({ A: "b" }).get("a"),
    clone: structuredClone({ a: [1] }),
    digest: new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array([97, 98, 99])))[0],
  }),
});

export const noNode = query({
  args: {},
  handler: async () => [
    typeof (globalThis as any).require,
    typeof (globalThis as any).process?.exit,
    typeof (globalThis as any).Buffer,
  ],
});

export const logs = query({
  args: {},
  handler: async () => {
    console.log("text", 1, { a: [1, 2] });
    console.warn("careful");
    console.error("wrong");
    return null;
  },
});

/** A patched builtin is the call's own. */
export const patchesBuiltin = mutation({
  args: {},
  handler: async () => {
    const before = (Array.prototype as any).patched;
    (Array.prototype as any).patched = "yes";
    return before ?? null;
  },
});
