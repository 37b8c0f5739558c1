/**
 * A process whose endless work is ended by another thread after so many milliseconds, as V8 ends what a thread runs whose memory
 * is used up. Prints whether the work was done, and whether the guard takes the thread to be ending; then the same of the next work.
 *
 *     node tests/support/endedWork.ts <limit of the work, ms> <when it is ended, ms>
 */
import { Worker } from "node:worker_threads";
import { isThreadEnding, runWithin } from "../../embedded/runner/timeGuard.ts";

const [limitMs = 0, endAfterMs = 0] = process.argv.slice(2).map(Number);
const worker = new Worker(
  `const { parentPort } = require("node:worker_threads");
   const session = new (require("node:inspector").Session)();
   session.connectToMainThread();
   parentPort.on("message", (ms) => setTimeout(() => session.post("Runtime.terminateExecution"), ms));
   parentPort.postMessage("ready");`,
  { eval: true },
);
await new Promise((resolve) => worker.once("message", resolve));
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
worker.postMessage(endAfterMs);
const first = [
  runWithin(limitMs, () => {
    for (;;);
  }),
  isThreadEnding(),
];
const next = [runWithin(limitMs, () => undefined), isThreadEnding()];
console.log(JSON.stringify({ first, next }));
await worker.terminate();
