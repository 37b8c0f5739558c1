/** A thread like the engine's in which a listener of a query throws `workerData`. Tells what it saw, if it lives to tell. */
import { setImmediate } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { catchStrayErrors } from "../../embedded/runner/strayErrors.ts";
import { runQuery } from "./testRealm.ts";

catchStrayErrors((error) => {
  throw error;
});
const log: string[] = [];
const outcome = await runQuery(
  `const target = new EventTarget(); target.addEventListener("told", () => { throw ${String(workerData)}; });
   target.dispatchEvent(new Event("told")); return "returned"`,
  { log },
);
await setImmediate();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
parentPort?.postMessage({ outcome, log });
