/** The end of a run and its hand-on are tried again: their answer may have been lost, and both may be repeated. */
import type { Clock } from "./clock.ts";
import { RunLostError } from "./runStore.ts";

/** It can be refused for good, and the reaper then takes the run up. With it goes the end of the text: no try too few. */
const maxTries = 10;
const firstRetryMs = 250;
const maxRetryMs = 2_000;

/** Rejects with a `RunLostError` at once, and with any other error of `store` the tenth time. */
export async function untilStored(store: () => Promise<void>, clock: Clock): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await store();
      return;
    } catch (error) {
      if (error instanceof RunLostError || tries === maxTries) {
        throw error;
      }
      const retryMs = Math.min(maxRetryMs, firstRetryMs * 2 ** (tries - 1));
      await new Promise<void>((resolve) => clock.setTimer(resolve, retryMs));
    }
  }
}
