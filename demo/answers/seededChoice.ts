/** Choices that look varied and are the same for the same conversation. */

export interface SeededChoice {
  pick<T>(options: readonly T[]): T;
  /** All of the options, in an order of its own. */
  shuffle<T>(options: readonly T[]): T[];
}

export function seededChoice(seed: string): SeededChoice {
  let state = fnv1a(seed);
  function nextBelow(limit: number): number {
    // mulberry32
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
  return {
    pick(options) {
      const option = options[nextBelow(options.length)];
      if (option === undefined) {
        throw new Error("pick: there is nothing to choose from");
      }
      return option;
    },
    shuffle(options) {
      const left = [...options];
      const shuffled: typeof left = [];
      while (left.length > 0) {
        shuffled.push(...left.splice(nextBelow(left.length), 1));
      }
      return shuffled;
    },
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}
