import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server.js";

const atLoad = process.env.CONFORMANCE_GREETING ?? "unset";

export const get = query({
  args: { name: v.string() },
  handler: async (_ctx, { name }) => process.env[name] ?? null,
});

export const inMutation = mutation({
  args: {},
  handler: async () => process.env.CONFORMANCE_GREETING ?? null,
});

export const inAction = action({
  args: {},
  handler: async () => process.env.CONFORMANCE_GREETING ?? null,
});

export const whenLoaded = query({ args: {}, handler: async () => atLoad });

export const builtIn = query({
  args: {},
  handler: async () => [process.env.CONVEX_CLOUD_URL, process.env.CONVEX_SITE_URL],
});
