/** Another program that has the database file open, a backup or a shell: the deployment waits for it a moment. */
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

test("while another program writes, queries and mutations wait and do not fail", async () => {
  const fixture = await EngineFixture.with(
    await appCode({
      "m.ts": functions(`
        export const add = mutation(async (ctx) => { await ctx.db.insert("t", {}); });
        export const count = query(async (ctx) => (await ctx.db.query("t").collect()).length);`),
    }),
  );
  onTestFinished(() => fixture.close());
  // A thread of its own: this one stands still while it waits.
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const database = new (require("node:sqlite").DatabaseSync)(workerData);
     {
       parentPort.on("message", () => {
         database.exec("BEGIN IMMEDIATE");
         parentPort.postMessage("locked");
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
         database.exec("ROLLBACK");
       });
     }`,
    { eval: true, workerData: join(fixture.dataDir, "deployment.sqlite") },
  );
  onTestFinished(async () => void (await worker.terminate()));
  const lock = async (): Promise<void> => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    worker.postMessage("lock");
    await once(worker, "message");
  };
  await lock();
  await fixture.mutation("m:add");
  await lock();
  expect(await fixture.query("m:count")).toBe(1);
});
