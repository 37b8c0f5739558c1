import { HOUR, MINUTE, RateLimiter, SECOND } from "@convex-dev/rate-limiter";
import { v } from "convex/values";
import { components } from "./_generated/api.js";
import { action, mutation, query } from "./_generated/server.js";

const limiter = new RateLimiter(components.rateLimiter, {
  bucket: { kind: "token bucket", rate: 3, period: HOUR },
  burst: { kind: "token bucket", rate: 1, period: HOUR, capacity: 5 },
  window: { kind: "fixed window", rate: 2, period: HOUR, start: 0 },
  reserving: { kind: "token bucket", rate: 1, period: MINUTE, maxReserved: 2 },
  sharded: { kind: "fixed window", rate: 40, period: HOUR, shards: 4, start: 0 },
  quick: { kind: "token bucket", rate: 20, period: SECOND, capacity: 1 },
  lazy: { kind: "token bucket", rate: 4, period: HOUR, applyUpdates: "asynchronously" },
});

const name = v.union(
  v.literal("bucket"),
  v.literal("burst"),
  v.literal("window"),
  v.literal("reserving"),
  v.literal("sharded"),
  v.literal("quick"),
  v.literal("lazy"),
);
const request = {
  name,
  key: v.optional(v.string()),
  count: v.optional(v.number()),
  reserve: v.optional(v.boolean()),
  throws: v.optional(v.boolean()),
};

export const limit = mutation({
  args: request,
  handler: async (ctx, { name, ...options }) => await limiter.limit(ctx, name, options),
});

export const limitInAction = action({
  args: request,
  handler: async (ctx, { name, ...options }) => await limiter.limit(ctx, name, options),
});

export const check = query({
  args: request,
  handler: async (ctx, { name, ...options }) => await limiter.check(ctx, name, options),
});

export const reset = mutation({
  args: { name, key: v.optional(v.string()) },
  handler: async (ctx, { name, key }) => await limiter.reset(ctx, name, { key }),
});

export const value = query({
  args: { name, key: v.optional(v.string()), sampleShards: v.optional(v.number()) },
  handler: async (ctx, { name, ...options }) => {
    const { value, shard, config } = await limiter.getValue(ctx, name, options);
    return { value, shard, kind: config.kind };
  },
});

export const inline = mutation({
  args: { key: v.string() },
  handler: async (ctx, { key }) =>
    await limiter.limit(ctx, "inline", {
      key,
      config: { kind: "fixed window", rate: 1, period: HOUR, start: 0 },
    }),
});

/** The consumption belongs to the transaction: a failing one gives it back. */
export const limitAndThrow = mutation({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await limiter.limit(ctx, "bucket", { key });
    throw new Error("after the limit");
  },
});

/** For the React hook. */
export const { getRateLimit, getServerTime } = limiter.hookAPI("bucket", {
  key: async (_ctx, keyFromClient) => keyFromClient ?? "nobody",
});
