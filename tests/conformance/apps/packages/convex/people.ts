import { Presence } from "@convex-dev/presence";
import { v } from "convex/values";
import { components } from "./_generated/api.js";
import { mutation, query } from "./_generated/server.js";

const presence = new Presence(components.presence);

export const heartbeat = mutation({
  args: { roomId: v.string(), userId: v.string(), sessionId: v.string(), interval: v.number() },
  handler: async (ctx, { roomId, userId, sessionId, interval }) =>
    await presence.heartbeat(ctx, roomId, userId, sessionId, interval),
});

export const list = query({
  args: { roomToken: v.string() },
  handler: async (ctx, { roomToken }) => await presence.list(ctx, roomToken),
});

export const disconnect = mutation({
  args: { sessionToken: v.string() },
  handler: async (ctx, { sessionToken }) => await presence.disconnect(ctx, sessionToken),
});

export const listRoom = query({
  args: { roomId: v.string(), onlineOnly: v.optional(v.boolean()) },
  handler: async (ctx, { roomId, onlineOnly }) => await presence.listRoom(ctx, roomId, onlineOnly),
});

export const listUser = query({
  args: { userId: v.string() },
  handler: async (ctx, { userId }) => await presence.listUser(ctx, userId),
});

export const update = mutation({
  args: { roomId: v.string(), userId: v.string(), data: v.any() },
  handler: async (ctx, { roomId, userId, data }) => await presence.updateRoomUser(ctx, roomId, userId, data),
});

export const removeRoom = mutation({
  args: { roomId: v.string() },
  handler: async (ctx, { roomId }) => await presence.removeRoom(ctx, roomId),
});
