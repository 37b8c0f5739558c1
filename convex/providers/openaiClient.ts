/** The client of the `openai` package, and what its failures mean. */
import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError } from "openai";
import type { Endpoint } from "./modelChoice.ts";
import { ProviderError } from "./provider.ts";
import { brokenOff, kindOfFailure, sentenceOf } from "./providerFailure.ts";

export function openaiClient({ apiKey, baseUrl }: Pick<Endpoint, "apiKey" | "baseUrl">): OpenAI {
  // Retries are the pump's: it knows whether anything was shown yet, and keeps the run's lease meanwhile.
  return new OpenAI({
    apiKey,
    baseURL: baseUrl,
    maxRetries: 0,
    logLevel: "off",
    dangerouslyAllowBrowser: true,
  });
}

export function asOpenAIFailure(error: unknown): ProviderError {
  if (error instanceof ProviderError) {
    return error;
  }
  if (error instanceof APIConnectionTimeoutError) {
    return new ProviderError("timeout", "The model did not answer in time.", { cause: error });
  }
  if (error instanceof APIConnectionError) {
    return new ProviderError("network", "The model's server could not be reached.", { cause: error });
  }
  if (error instanceof APIError) {
    const isTooLong = error.code === "context_length_exceeded";
    const kind = isTooLong ? "contextTooLong" : kindOfFailure(error.status, typeOf(error));
    return new ProviderError(kind, sentenceOf(error), { cause: error });
  }
  return brokenOff(error);
}

/** An event of the kind `error` has its own name where others have the type of the error. */
function typeOf({ type, code }: APIError): string | null {
  return (type === "error" ? null : type) ?? code ?? null;
}
