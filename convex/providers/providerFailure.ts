/**
 * What a failure means: by its HTTP status, by the error type a provider names in mid-stream, by what `fetch`
 * throws.
 */
import type { ProviderErrorKind } from "../shared/errors.ts";
import { asSentence, sentenceIn } from "./errorSentence.ts";
import { ProviderError } from "./provider.ts";

/** Error types of OpenAI and Anthropic; in mid-stream there is no status beside them. */
const kindOfType: Readonly<Record<string, ProviderErrorKind>> = {
  authentication_error: "auth",
  permission_error: "auth",
  invalid_api_key: "auth",
  rate_limit_error: "rateLimit",
  rate_limit_exceeded: "rateLimit",
  insufficient_quota: "rateLimit",
  overloaded_error: "overloaded",
  server_error: "overloaded",
  api_error: "overloaded",
  timeout_error: "timeout",
  invalid_request_error: "invalidRequest",
  not_found_error: "invalidRequest",
  context_length_exceeded: "contextTooLong",
  // A response that fails names its prompt so when a filter refused it.
  invalid_prompt: "refused",
  bio_policy: "refused",
  misalignment_policy_violation: "refused",
};

export function kindOfFailure(status: number | undefined, type: string | null): ProviderErrorKind {
  if (status === undefined) {
    return kindOfType[type ?? ""] ?? "unknown";
  }
  switch (status) {
    case 401:
    case 403:
      return "auth";
    case 408:
    case 504:
      return "timeout";
    case 413:
      return "contextTooLong";
    case 429:
      return "rateLimit";
    default:
      return status >= 500 ? "overloaded" : "invalidRequest";
  }
}

/**
 * What an SDK throws that is none of its own errors: the connection broke, or what came over it was no JSON.
 */
export function brokenOff(error: unknown): ProviderError {
  return error instanceof SyntaxError
    ? new ProviderError("unknown", "The model's server sent something that is not understood.", {
        cause: error,
      })
    : new ProviderError("network", "The connection to the model broke off.", { cause: error });
}

/**
 * The provider's own sentence in what an SDK throws, without the status that the SDK puts before it; what came
 * without any words is told by its status.
 */
export function sentenceOf(error: { status?: number | undefined; error: unknown; message: string }): string {
  const sentence = sentenceIn(error.error);
  if (sentence !== null || error.status === undefined) {
    return sentence ?? error.message;
  }
  const words = error.message.slice(`${error.status} `.length);
  return words === "status code (no body)" || words.trimStart().startsWith("<")
    ? `The model's server answered with status ${error.status} and gave no reason.`
    : asSentence(words);
}
