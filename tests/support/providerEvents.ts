/** What a provider's adapter makes of a reply, collected. */
import { ProviderError } from "../../convex/providers/provider.ts";
import type { Provider, ProviderEvent, ProviderRequest } from "../../convex/providers/provider.ts";

export const oneTurn: ProviderRequest = {
  model: "some-model",
  turns: [{ role: "user", text: "Hello?" }],
  maxOutputTokens: 500,
};

export interface CollectedReply {
  text: string;
  reasoning: string;
  events: ProviderEvent[];
  error: ProviderError | null;
}

/** Reads to the end; any error that is no `ProviderError` is thrown. */
export async function collect(
  provider: Provider,
  request = oneTurn,
  signal = new AbortController().signal,
): Promise<CollectedReply> {
  const reply: CollectedReply = { text: "", reasoning: "", events: [], error: null };
  try {
    for await (const event of provider.stream(request, signal)) {
      reply.events.push(event);
      if (event.kind === "text") reply.text += event.text;
      if (event.kind === "reasoning") reply.reasoning += event.text;
    }
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    reply.error = error;
  }
  return reply;
}
