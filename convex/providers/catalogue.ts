/** The models this house knows, as data. Adding one is adding a row. */

/** Dollars per million tokens. A missing cache price means that of input. */
export interface Price {
  input: number;
  output: number;
  cacheRead?: number;
  cacheWrite?: number;
  /** When the price was seen, as year-month. */
  seen: string;
}

export type ProviderName = "openai" | "anthropic" | "openaiCompatible" | "demo" | "demoAnthropic";

export interface CatalogueModel {
  id: string;
  label: string;
  provider: ProviderName;
  contextTokens: number;
  /** Null: not known, so that the provider's own limit holds rather than one that cuts its replies short. */
  maxOutputTokens: number | null;
  /** It thinks before it speaks, and its provider says what when asked; missing is no. */
  reasons?: boolean;
  /** Null: unknown, so that no cost is shown rather than a wrong one. */
  price: Price | null;
}

const openai = { provider: "openai", contextTokens: 128_000, maxOutputTokens: null } as const;
const anthropic = { provider: "anthropic", contextTokens: 200_000, maxOutputTokens: 32_000 } as const;
const demo = { contextTokens: 128_000, maxOutputTokens: 32_000, price: null } as const;

export const catalogue: readonly CatalogueModel[] = [
  {
    ...openai,
    id: "gpt-6.1-terra",
    label: "GPT-6.1 Terra",
    reasons: true,
    price: { input: 1, output: 5, cacheRead: 0.05, seen: "2026-10" },
  },
  {
    ...openai,
    id: "gpt-6.1-sol",
    label: "GPT-6.1 Sol",
    reasons: true,
    price: { input: 2, output: 10, cacheRead: 0.1, seen: "2026-10" },
  },
  {
    ...openai,
    id: "gpt-6-luna",
    label: "GPT-6 Luna",
    reasons: true,
    price: { input: 0.1, output: 0.5, cacheRead: 0.01, seen: "2026-09" },
  },
  {
    ...openai,
    id: "gpt-4o",
    label: "GPT-4o",
    maxOutputTokens: 16_384,
    price: { input: 2.5, output: 10, cacheRead: 1.25, seen: "2025-06" },
  },
  {
    ...openai,
    id: "gpt-4o-mini",
    label: "GPT-4o mini",
    maxOutputTokens: 16_384,
    price: { input: 0.15, output: 0.6, cacheRead: 0.075, seen: "2025-06" },
  },
  {
    ...anthropic,
    id: "claude-sonnet-5-5",
    label: "Claude Sonnet 5.5",
    price: { input: 2, output: 10, cacheRead: 0.1, seen: "2026-10" },
  },
  {
    ...anthropic,
    id: "claude-opus-5-5",
    label: "Claude Opus 5.5",
    price: { input: 4, output: 20, cacheRead: 0.2, seen: "2026-10" },
  },
  {
    ...anthropic,
    id: "claude-haiku-5-5",
    label: "Claude Haiku 5.5",
    price: { input: 0.1, output: 0.5, cacheRead: 0.01, seen: "2026-09" },
  },
  { ...demo, id: "demo", label: "Demo (simulated)", provider: "demo" },
  { ...demo, id: "demo-anthropic", label: "Demo, Anthropic wire (simulated)", provider: "demoAnthropic" },
];

/**
 * A compatible server does not say how much its models take; a prompt for this window fits all that are in use.
 * It gets no limit of output: some refuse one that is larger than what their own window leaves.
 */
export const compatibleModelDefaults = {
  provider: "openaiCompatible",
  contextTokens: 32_000,
  maxOutputTokens: null,
  price: null,
} as const;

/** The window of a model, also of one that a compatible server offers and the catalogue does not know. */
export function contextTokensOf(modelId: string): number {
  const known = catalogue.find((model) => model.id === modelId);
  return known?.contextTokens ?? compatibleModelDefaults.contextTokens;
}
