/** Duet: a spectator reads the body once, then follows the tail, and goes back to the body only over a gap. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { api } from "../convex/_generated/api.js";
import { hasEnded } from "../convex/shared/streamEvents.ts";
import type { Variant } from "./replyCost.ts";

export const duetVariant: Variant = {
  async send(deployment, prompt) {
    const client = new ConvexHttpClient(deployment.url);
    return await client.mutation(api.chats.createChat, { prompt, model: "demo" });
  },
  watch(deployment, streamId) {
    const client = new ConvexClient(deployment.url);
    const seen = new Set<number>();
    const { promise: finished, resolve } = Promise.withResolvers<void>();
    let length = 0;
    async function readBody(): Promise<void> {
      const { text } = await client.query(api.chats.getChatBody, { streamId });
      length = Math.max(length, text.length);
      seen.add(length);
    }
    void (async () => {
      await readBody();
      client.onUpdate(api.messages.getTail, { streamId }, async (tail) => {
        if (tail === null) return resolve();
        if (tail.from > length) await readBody();
        length = Math.max(length, tail.from + tail.text.length);
        seen.add(length);
        if (hasEnded(tail.status)) resolve();
      });
    })();
    return { finished, texts: () => seen.size, close: () => client.close() };
  },
};
