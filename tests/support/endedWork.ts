/**
 * A process whose endless work is ended by another thread after so many milliseconds, as V8 ends what a thread runs whose memory
 * is used up. Prints whether the work was done, and whether the guard takes the thread to be ending; then the same of the next work.
 *
 *     node tests/support/endedWork.ts <limit of the work, ms> <when it is ended, ms>
 */
import { Worker } from "node:worker_threads";
import { isThreadEnding, runWithin } from "../../embedded/runner/timeGuard.ts";

const [limitMs = 0, endAfterMs = 0] = process.argv.slice(2).map(Number);
/** Becomes 1 when the work has begun: from then on the time counts, whatever this thread waited for before. */
const hasBegun = new Int32Array(new SharedArrayBuffer(4));
const worker = new Worker(
  `const { parentPort, workerData: { hasBegun, endAfterMs } } = require("node:worker_threads");
   const session = new (require("node:inspector").Session)();
   session.connectToMainThread();
   parentPort.postMessage("ready");
   Atomics.wait(hasBegun, 0, 0);
   setTimeout(() => session.post("Runtime.terminateExecution"), endAfterMs);`,
  { eval: true, workerData: { hasBegun, endAfterMs } },
);
await new Promise((resolve) => worker.once("message", resolve));
const first = [
  runWithin(limitMs, () => {
    Atomics.store(hasBegun, 0, 1);
    Atomics.notify(hasBegun, 0);
    for (;;);
  }),
  isThreadEnding(),
];
const next = [runWithin(limitMs, () => undefined), isThreadEnding()];
console.log(JSON.stringify({ first, next }));
await worker.terminate();
