/** What the pool counts as running when it is told to stop. */
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { actionSite } from "../../support/actionSite.ts";

/** Calls the HTTP action from a thread of its own, and tells when the action has reached the gate that holds it. */
const caller = `
  const { createServer } = require("node:http");
  const { workerData } = require("node:worker_threads");
  const gate = createServer(() => {
    Atomics.store(workerData.reached, 0, 1);
    Atomics.notify(workerData.reached, 0);
  });
  gate.listen(0, "127.0.0.1", () => {
    const held = "http://127.0.0.1:" + gate.address().port;
    fetch(workerData.url + "/run?gate=" + encodeURIComponent(held)).catch(() => undefined);
  });
`;

test("once it has stopped, the pool counts an HTTP action that began while nobody listened to the thread", async () => {
  const { actions, url } = await actionSite(
    `await fetch(new URL(request.url).searchParams.get("gate") ?? ""); return new Response("passed");`,
  );
  const reached = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(caller, { eval: true, workerData: { url, reached } });
  onTestFinished(async () => void (await worker.terminate()));
  Atomics.wait(reached, 0, 0);
  expect(actions.pool.running).toBe(0);
  await actions.pool.stop();
  expect(actions.pool.running).toBe(1);
});
