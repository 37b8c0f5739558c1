/** Says what a person can do about a reply that failed at the provider. */
import type { ProviderErrorKind } from "../../convex/shared/errors.ts";
import { whereVariablesAre } from "../../convex/shared/whereVariablesAre.ts";

export function replyErrorRemedy(kind: ProviderErrorKind): string {
  switch (kind) {
    case "auth":
      return `Check the provider's API key (${whereVariablesAre}), then send again.`;
    case "rateLimit":
      return "The provider asks to slow down. Wait a minute, then send again.";
    case "overloaded":
      return "The provider is busy. Try again in a moment, or choose another model.";
    case "contextTooLong":
      return "This chat is too long for the model. Start a new chat, or choose a model with a larger context.";
    case "invalidRequest":
      return "The provider did not accept the request. Choose another model and send again.";
    case "refused":
      return "The model declined to answer. Put the question another way.";
    case "network":
      return "Check the connection, then send again.";
    case "timeout":
      return "The model took too long. Send again, or choose a faster model.";
    case "unknown":
      return "Send again; if it happens again, choose another model.";
    default:
      return kind satisfies never;
  }
}
