/**
 * The keys of each provider, kept for a bounded time. Whatever tokens come in, a provider is asked once at a time, and
 * for keys it did not have a moment ago only now and then: nobody can make this deployment flood it.
 */
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { ProviderKeys } from "./providerKeys.ts";

interface Kept {
  keys: ProviderKeys;
  fetchedAtMs: number;
  freshUntilMs: number;
}

/** What a provider's `max-age` is held between, and what counts when it says nothing. */
const shortestFreshMs = 15_000;
const longestFreshMs = 60 * 60_000;
const usualFreshMs = 5 * 60_000;
/** While a provider cannot be asked, its old keys are good for so long, and it is left in peace between attempts. */
const longestStaleMs = 60 * 60_000;
const retryAfterMs = 30_000;
/** An unknown key makes us ask again, but no sooner than this after the last answer. */
const refetchAfterMs = 15_000;

export class KeyCache {
  readonly #fetchKeys: (provider: AuthProvider) => Promise<ProviderKeys>;
  readonly #nowMs: () => number;
  #kept = new Map<string, Kept>();
  #underWay = new Map<string, Promise<ProviderKeys>>();

  constructor(fetchKeys: (provider: AuthProvider) => Promise<ProviderKeys>, nowMs: () => number) {
    this.#fetchKeys = fetchKeys;
    this.#nowMs = nowMs;
  }

  /** Rejects as `fetchKeys` does when there are none to fall back on. */
  async keysOf(provider: AuthProvider): Promise<ProviderKeys> {
    const kept = this.#kept.get(keyOf(provider));
    if (kept === undefined) return await this.#fetch(provider);
    if (this.#nowMs() < kept.freshUntilMs) return kept.keys;
    try {
      return await this.#fetch(provider);
    } catch (error) {
      if (this.#nowMs() >= kept.fetchedAtMs + longestStaleMs) throw error;
      kept.freshUntilMs = this.#nowMs() + retryAfterMs;
      return kept.keys;
    }
  }

  /** For a token that these keys do not verify: newer ones, or null when there are none to be had now. */
  async newerThan(keys: ProviderKeys, provider: AuthProvider): Promise<ProviderKeys | null> {
    const kept = this.#kept.get(keyOf(provider));
    if (kept !== undefined && kept.keys !== keys) return kept.keys;
    if (kept !== undefined && this.#nowMs() < kept.fetchedAtMs + refetchAfterMs) return null;
    try {
      return await this.#fetch(provider);
    } catch {
      return null; // the keys at hand have given the answer: the token's key is unknown
    }
  }

  /** Code or environment changed: what the deployment itself serves as keys may have changed with it. */
  forget(): void {
    this.#kept = new Map();
    this.#underWay = new Map();
  }

  #fetch(provider: AuthProvider): Promise<ProviderKeys> {
    const key = keyOf(provider);
    const underWay = this.#underWay;
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const fetched = this.#fetchAndKeep(provider, this.#kept).finally(() => underWay.delete(key));
    underWay.set(key, fetched);
    return fetched;
  }

  /** `kept` is the map of the moment: an answer from before `forget` is not kept after it. */
  async #fetchAndKeep(provider: AuthProvider, kept: Map<string, Kept>): Promise<ProviderKeys> {
    const keys = await this.#fetchKeys(provider);
    const fetchedAtMs = this.#nowMs();
    kept.set(keyOf(provider), { keys, fetchedAtMs, freshUntilMs: fetchedAtMs + freshMs(keys) });
    return keys;
  }
}

function freshMs({ maxAgeSeconds }: ProviderKeys): number {
  if (maxAgeSeconds === null) return usualFreshMs;
  return Math.min(Math.max(maxAgeSeconds * 1000, shortestFreshMs), longestFreshMs);
}

function keyOf(provider: AuthProvider): string {
  return JSON.stringify(provider);
}
