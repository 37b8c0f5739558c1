/** The variant to compare with: one reply, kept as the component's README keeps it. */
import {
  PersistentTextStreaming,
  StreamIdValidator,
  type StreamId,
} from "@convex-dev/persistent-text-streaming";
import { componentsGeneric, httpActionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import OpenAI from "openai";

const streaming = new PersistentTextStreaming(componentsGeneric()["persistentTextStreaming"] as never);

export const createChat = mutationGeneric({
  args: { prompt: v.string() },
  returns: v.object({ streamId: v.string() }),
  handler: async (ctx, { prompt }) => {
    const streamId = await streaming.createStream(ctx);
    await ctx.db.insert("chats", { prompt, stream: streamId });
    return { streamId };
  },
});

export const getChatBody = queryGeneric({
  args: { streamId: StreamIdValidator },
  returns: v.object({ text: v.string(), status: v.string() }),
  handler: (ctx, { streamId }) => streaming.getStreamBody(ctx, streamId as StreamId),
});

export const streamChat = httpActionGeneric(async (ctx, request) => {
  const { streamId, prompt } = (await request.json()) as { streamId: string; prompt: string };
  const openai = new OpenAI({ apiKey: "demo", baseURL: `${process.env["DEMO_BASE_URL"]}/v1` });
  return await streaming.stream(ctx, request, streamId as StreamId, async (_ctx, _request, _id, append) => {
    const completion = await openai.chat.completions.create({
      model: "demo",
      stream: true,
      messages: [{ role: "user", content: prompt }],
    });
    for await (const chunk of completion) await append(chunk.choices[0]?.delta.content ?? "");
  });
});
