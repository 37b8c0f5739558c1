/** The adapter for a wire format. Loads the providers' SDKs, so only actions import it. */
import { anthropicMessages } from "./anthropicMessages.ts";
import type { Endpoint } from "./modelChoice.ts";
import { openaiChat } from "./openaiChat.ts";
import { openaiResponses } from "./openaiResponses.ts";
import type { Provider } from "./provider.ts";
import { readingAhead } from "./readAhead.ts";

export function createProvider(endpoint: Endpoint): Provider {
  return readingAhead(adapterOf(endpoint));
}

function adapterOf({ wire, ...access }: Endpoint): Provider {
  switch (wire) {
    case "openaiChat":
      return openaiChat(access);
    case "openaiResponses":
      return openaiResponses(access);
    case "anthropicMessages":
      return anthropicMessages(access);
    default:
      return wire satisfies never;
  }
}
