/** Says what a person can do about a reply that failed at the provider. */
import type { ProviderErrorKind } from "../../convex/shared/errors.ts";
import { whereVariablesAre } from "../../convex/shared/whereVariablesAre.ts";

export function replyErrorRemedy(kind: ProviderErrorKind): string {
  switch (kind) {
    case "auth":
      return `Check the provider's API key (${whereVariablesAre}), then retry.`;
    case "rateLimit":
      return "The provider asks to slow down. Wait a minute, then retry.";
    case "overloaded":
      return "The provider is busy. Retry in a moment, or choose another model below first.";
    case "contextTooLong":
      return "This chat is too long for the model. Start a new chat, or choose a model with a larger context below and retry.";
    case "invalidRequest":
      return "The provider did not accept the request. Choose another model below and retry.";
    case "refused":
      return "The model declined to answer. Edit the question to put it another way.";
    case "network":
      return "Check the connection, then retry.";
    case "timeout":
      return "The model took too long. Retry, or choose a faster model below first.";
    case "unknown":
      return "Retry; if it happens again, choose another model below.";
    default:
      return kind satisfies never;
  }
}
