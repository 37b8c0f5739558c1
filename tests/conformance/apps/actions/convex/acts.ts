import { ConvexError, v } from "convex/values";
import { api, internal } from "./_generated/api.js";
import { action, internalAction, internalMutation, mutation, query } from "./_generated/server.js";

export const list = query({
  args: { bag: v.string() },
  handler: async (ctx, { bag }) =>
    (await ctx.db.query("act_notes").collect()).filter((note) => note.bag === bag).map(({ text }) => text),
});

export const add = mutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("act_notes", { bag, text });
    return text.length;
  },
});

export const addInternal = internalMutation({
  args: { bag: v.string(), text: v.string() },
  handler: async (ctx, { bag, text }) => {
    await ctx.db.insert("act_notes", { bag, text });
  },
});

export const throws = mutation({
  args: { data: v.optional(v.any()) },
  handler: async (_ctx, { data }) => {
    throw data === undefined ? new Error("inner trouble") : new ConvexError(data);
  },
});

export const everyCall = action({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<unknown> => {
    const length = await ctx.runMutation(api.acts.add, { bag, text: "public" });
    await ctx.runMutation(internal.acts.addInternal, { bag, text: "internal" });
    const doubled = await ctx.runAction(internal.acts.double, { value: 21 });
    return { length, doubled, list: await ctx.runQuery(api.acts.list, { bag }) };
  },
});

export const double = internalAction({
  args: { value: v.number() },
  handler: async (_ctx, { value }) => value * 2,
});

export const catches = action({
  args: { data: v.optional(v.any()) },
  handler: async (ctx, { data }): Promise<unknown> => {
    try {
      await ctx.runMutation(api.acts.throws, data === undefined ? {} : { data });
      return null;
    } catch (error) {
      const isConvexError = error instanceof ConvexError;
      return { isConvexError, message: (error as Error).message, data: isConvexError ? error.data : null };
    }
  },
});

/** What only actions have. */
export const world = action({
  args: { url: v.string() },
  handler: async (_ctx, { url }) => {
    const before = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const response = await fetch(url);
    return {
      waitedMs: Date.now() - before,
      status: response.status,
      digest: new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")))[0],
      random: [Math.random(), Math.random()],
      uuid: crypto.randomUUID(),
    };
  },
});

export const fails = action({
  args: { kind: v.string() },
  handler: async (_ctx, { kind }) => {
    if (kind === "throws") throw new Error("the action failed");
    if (kind === "convexError") throw new ConvexError({ code: 9 });
    if (kind === "timer") {
      setTimeout(() => {
        throw new Error("thrown by a timer");
      }, 1);
      await new Promise((resolve) => setTimeout(resolve, 30_000));
    }
    if (kind === "rejection") {
      void Promise.reject(new Error("nobody awaits this"));
      await new Promise((resolve) => setTimeout(resolve, 30_000));
    }
    return "went through";
  },
});

/** The functions run side by side: the second could not end otherwise. */
export const waitForNote = action({
  args: { bag: v.string() },
  handler: async (ctx, { bag }): Promise<string[]> => {
    for (;;) {
      const list = await ctx.runQuery(api.acts.list, { bag });
      if (list.length > 0) return list;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
});

export const noDatabase = action({ args: {}, handler: async (ctx) => Object.keys(ctx).sort() });

export const webPlatform = action({
  args: {},
  handler: async () => {
    const stream = new Blob(["hello"]).stream().pipeThrough(new TextDecoderStream() as any);
    let text = "";
    for await (const chunk of stream as any) text += chunk;
    const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const data = new TextEncoder().encode("signed");
    const signature = await crypto.subtle.sign("HMAC", key as CryptoKey, data);
    return {
      text,
      verified: await crypto.subtle.verify("HMAC", key as CryptoKey, signature, data),
      url: new URL("../x?y=1#z", "https://example.com/a/b/").href,
      base64: btoa("hi") + atob("aGk="),
      cloned: structuredClone({ when: new Date(0), map: new Map([[1, 2]]) }).map.get(1),
      aborted: AbortSignal.abort().aborted,
    };
  },
});
