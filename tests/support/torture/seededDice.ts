/** Throws of dice that a seed names. */
import { randomNumbers } from "../randomText.ts";
import type { Dice } from "./dice.ts";

export function diceOf(seed: number): Dice {
  const next = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  return { next, below, chance: (share) => next() < share, pick: (items) => items[below(items.length)]! };
}
