/** The end of a run and its hand-on are tried again: their answer may have been lost, and both may be repeated. */
import type { Clock } from "./clock.ts";
import { RunLostError } from "./runStore.ts";

/** It can be refused for good, and the reaper then takes the run up. */
const maxTries = 3;
const retryMs = 500;

/** Rejects with a `RunLostError` at once, and with any other error of `store` the third time. */
export async function untilStored(store: () => Promise<void>, clock: Clock): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await store();
      return;
    } catch (error) {
      if (error instanceof RunLostError || tries === maxTries) {
        throw error;
      }
      await new Promise<void>((resolve) => clock.setTimer(resolve, retryMs));
    }
  }
}
