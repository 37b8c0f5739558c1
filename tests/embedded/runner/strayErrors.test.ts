import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

test.each([
  ["is logged", `new Error("late")`, /^\[ERROR\] Unhandled: Uncaught Error: late\n\s+at /],
  [
    "cannot be read for ever",
    `{ get message() { for (;;); } }`,
    /^\[ERROR\] Unhandled: Uncaught error that took too long to be read$/,
  ],
])("what a listener of a query throws ends nothing and %s", async (_what, workerData, line) => {
  const worker = new Worker(new URL("../../support/strayStepWorker.ts", import.meta.url), { workerData });
  const [message] = (await once(worker, "message")) as [{ outcome: unknown; log: string[] }];
  expect(message.outcome).toEqual({ status: "returned", valueJson: `"returned"` });
  expect(message.log).toEqual([expect.stringMatching(line)]);
  await worker.terminate();
});

test("a fault of the host itself still ends its thread", async () => {
  const fault = `
    import { catchStrayErrors } from ${JSON.stringify(new URL("../../../embedded/runner/strayErrors.ts", import.meta.url).href)};
    catchStrayErrors((error) => { throw error; });
    setImmediate(() => { throw new Error("host fault"); });`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(fault)}`));
  const [error] = (await once(worker, "error")) as [Error];
  expect(error.message).toBe("host fault");
});
