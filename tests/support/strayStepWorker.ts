/** A thread like the engine's in which one query forgets a promise. Tells what it saw, if it lives to tell. */
import { setImmediate } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { catchStrayErrors } from "../../embedded/runner/strayErrors.ts";
import { runQuery } from "./testRealm.ts";

catchStrayErrors((error) => {
  throw error;
});
const log: string[] = [];
const outcome = await runQuery(`void (async () => { throw new Error("forgotten"); })(); return "returned"`, {
  log,
});
await setImmediate();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
parentPort?.postMessage({ outcome, log });
