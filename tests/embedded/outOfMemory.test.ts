/** A function that takes all memory ends the engine thread, and nothing else: another one takes its place. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import { functions } from "../support/engineFixture.ts";
import { filesOnDisk } from "../support/filesApp.ts";
import { handPusher } from "../support/handMadePush.ts";
import { connectClient, watchQuery } from "../support/liveNotes.ts";
import { bundleModules } from "../support/pushedApp.ts";
import { RawConnection } from "../support/rawHttp.ts";

// Much at once, so that a slow machine comes to the limit of memory before that of time.
const greedy = `const kept = [1, 2, 3, 4].map(() => new Uint8Array(50_000_000)); for (;;) kept.length;`;
const add = reference<"mutation", { text: string }, null>("m:add");
const list = reference<"query", Record<string, never>, string[]>("m:list");
const uploadUrl = reference<"mutation", Record<string, never>, string>("m:uploadUrl");
const takeAll = reference<"query", Record<string, never>, null>("m:takeAll");
const addAndTakeAll = reference<"mutation", Record<string, never>, null>("m:addAndTakeAll");
const sentence = "JavaScript execution ran out of memory (maximum memory usage: 128 MB)";

function newDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), "out-of-memory-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return dataDir;
}

async function start(log: string[], dataDir = newDataDir()): Promise<Deployment> {
  const deployment = await startDeployment({
    dataDir,
    port: 0,
    sitePort: 0,
    maxMemoryMb: 128,
    writeLog: (line) => log.push(line),
  });
  onTestFinished(() => deployment.close());
  const modules = await bundleModules({
    "m.ts": functions(`
      export const add = mutation(async (ctx, { text }) => { await ctx.db.insert("t", { text }); });
      export const uploadUrl = mutation((ctx) => ctx.storage.generateUploadUrl());
      export const list = query(async (ctx) => (await ctx.db.query("t").collect()).map(({ text }) => text));
      export const takeAll = query(async () => { ${greedy} });
      export const addAndTakeAll = mutation(async (ctx) => { await ctx.db.insert("t", { text: "undone" }); ${greedy} });
    `),
  });
  const pusher = handPusher(deployment);
  const sources = Object.values(modules).map(({ path, source }) => [path, source] as const);
  const answer = await pusher.finish(await pusher.start({ modules: Object.fromEntries(sources) }));
  expect(answer.status).toBe(200);
  return deployment;
}

test("a mutation that takes all memory is undone, and clients go on with the next engine thread", async () => {
  const log: string[] = [];
  const deployment = await start(log);
  const client = connectClient(deployment.url);
  onTestFinished(() => client.close());
  await client.mutation(add, { text: "before" });
  const texts = watchQuery(client, list, {});
  await texts.reached((all) => all.includes("before"));

  await expect(client.mutation(addAndTakeAll, {})).rejects.toThrow(sentence);

  await client.mutation(add, { text: "after" });
  await texts.reached((all) => all.includes("after"));
  expect(texts.results.at(-1)).toEqual(["before", "after"]);
  expect(log).toContainEqual(expect.stringContaining("m.js:addAndTakeAll"));
});

test("an upload goes on while the engine thread is started anew", async () => {
  const dataDir = newDataDir();
  const deployment = await start([], dataDir);
  const client = connectClient(deployment.url);
  onTestFinished(() => client.close());
  const { pathname, search } = new URL(await client.mutation(uploadUrl, {}));
  const upload = await RawConnection.open(deployment.url);
  const head = [`POST ${pathname}${search} HTTP/1.1`, "Host: deployment", "Content-Length: 8"];
  upload.send([...head, "Connection: close"], "half");
  while (filesOnDisk(dataDir).uploads.length === 0) await new Promise(setImmediate);
  await expect(client.mutation(addAndTakeAll, {})).rejects.toThrow(sentence);
  upload.socket.write("half");
  expect(await upload.untilEnd()).toMatch(/HTTP\/1\.1 200 [^]*storageId/);
});

test("a subscription that takes all memory ends one thread, not one after another", async () => {
  const log: string[] = [];
  const deployment = await start(log);
  const client = connectClient(deployment.url);
  onTestFinished(() => client.close());
  const { promise: refused, resolve } = Promise.withResolvers<Error>();
  client.onUpdate(takeAll, {}, () => undefined, resolve);
  expect((await refused).message).toContain(sentence);
  await client.mutation(add, { text: "beside it" });
  expect(await client.query(list, {})).toEqual(["beside it"]);
  await expect(new ConvexHttpClient(deployment.url, { logger: false }).query(takeAll, {})).rejects.toThrow(
    sentence,
  );
  const restarts = log.filter((line) => line.includes("is started anew. It was running"));
  expect(restarts).toHaveLength(1);
});
