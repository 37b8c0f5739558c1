/** Randomness of a test that can be replayed: TORTURE_SEED=<the seed it printed>. */
import { randomInt } from "node:crypto";
import { randomNumbers } from "../randomText.ts";

export interface Dice {
  /** In [0, 1). */
  next(): number;
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** True in this share of the throws. */
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
}

/** Prints the seed, so that whoever sees the test fail can have the same throws again. */
export function openDice(test: string): Dice {
  const seed = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 31));
  console.log(`${test}: TORTURE_SEED=${seed}`);
  return diceOf(seed);
}

export function diceOf(seed: number): Dice {
  const next = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, chance: (share) => next() < share, pick: (items) => items[below(items.length)]! };
}
