/** What a reply costs. */
import type { Price } from "./catalogue.ts";
import type { Usage } from "./provider.ts";

const tokensPerPriceUnit = 1_000_000;

/** Dollars. Input from the cache is billed at its own price and not a second time as input. */
export function costUsd(usage: Usage, price: Price): number {
  const freshInputTokens = Math.max(0, usage.inputTokens - usage.cacheReadTokens - usage.cacheWriteTokens);
  const total =
    freshInputTokens * price.input +
    usage.cacheReadTokens * (price.cacheRead ?? price.input) +
    usage.cacheWriteTokens * (price.cacheWrite ?? price.input) +
    usage.outputTokens * price.output;
  return total / tokensPerPriceUnit;
}
