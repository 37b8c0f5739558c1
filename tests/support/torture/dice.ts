/** Randomness of a test that can be replayed: TORTURE_SEED=<the seed it printed>. */
import { randomInt } from "node:crypto";
import { beforeEach } from "vitest";
import { diceOf } from "./seededDice.ts";

export interface Dice {
  /** In [0, 1). */
  next(): number;
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** True in this share of the throws. */
  chance(share: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
}

const seeds: number[] = [];

// Of a long log often nothing but the end is kept, and there are the errors.
beforeEach(({ onTestFailed }) => {
  onTestFailed(({ task }) => {
    for (const error of task.result?.errors ?? []) {
      error.message += seeds.map((seed) => ` (TORTURE_SEED=${seed})`).join("");
    }
  });
});

/** Whoever sees a test of the file fail can have the same throws again: the seed is printed, and told with each error. */
export function openDice(test: string): Dice {
  const seed = Number(process.env["TORTURE_SEED"] ?? randomInt(2 ** 31));
  console.log(`${test}: TORTURE_SEED=${seed}`);
  seeds.push(seed);
  return diceOf(seed);
}
