import {
  PersistentTextStreaming,
  StreamIdValidator,
  type StreamId,
} from "@convex-dev/persistent-text-streaming";
import { components } from "./_generated/api.js";
import { mutation, query } from "./_generated/server.js";

export const streaming = new PersistentTextStreaming(components.persistentTextStreaming);

export const create = mutation({ args: {}, handler: async (ctx) => await streaming.createStream(ctx) });

export const body = query({
  args: { streamId: StreamIdValidator },
  handler: async (ctx, { streamId }) => await streaming.getStreamBody(ctx, streamId as StreamId),
});
