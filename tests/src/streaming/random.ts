/** Random choices that a seed repeats, for tests that try many cases and must name the one that failed. */

export interface Random {
  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Cuts a text into pieces of random length; no piece is empty. */
  pieces(text: string, maxLength: number): string[];
}

/** mulberry32: small, and good enough to spread test cases. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    integer,
    chance: (probability) => next() < probability,
    pieces(text, maxLength) {
      const result: string[] = [];
      for (let at = 0; at < text.length;) {
        const length = integer(1, maxLength);
        result.push(text.slice(at, at + length));
        at += length;
      }
      return result;
    },
  };
}
