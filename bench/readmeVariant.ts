/** The component as its README uses it: every spectator subscribes to the whole body for as long as it grows. */
import { join } from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import type { Variant } from "./replyCost.ts";

export const readmeVariant: Variant = {
  appFolder: join(import.meta.dirname, "readmeApp"),
  async send(deployment, prompt) {
    const client = new ConvexHttpClient(deployment.url);
    return (await client.mutation(anyApi["chats"]!["createChat"]!, { prompt })) as { streamId: string };
  },
  watch(deployment, streamId) {
    const client = new ConvexClient(deployment.url);
    const seen = new Set<string>();
    const { promise: finished, resolve } = Promise.withResolvers<void>();
    client.onUpdate(
      anyApi["chats"]!["getChatBody"]!,
      { streamId },
      (body: { text: string; status: string }) => {
        seen.add(body.text);
        if (body.status === "done" || body.status === "error") resolve();
      },
    );
    return { finished, texts: () => seen.size, close: () => client.close() };
  },
};
