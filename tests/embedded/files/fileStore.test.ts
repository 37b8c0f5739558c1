/** The store behind an engine: what is on the disk when a token is old, a recording fails, a process dies, a backup runs. */
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";
import { filesOnDisk } from "../../support/filesApp.ts";

async function open(): Promise<EngineFixture> {
  const code = await appCode({
    "files.ts": functions(`
      export const uploadUrl = mutation({ args: {}, handler: (ctx) => ctx.storage.generateUploadUrl() });
      export const list = query({ args: {}, handler: (ctx) => ctx.db.system.query("_storage").collect() });
      export const remove = mutation({ args: { id: v.id("_storage") }, handler: (ctx, { id }) => ctx.storage.delete(id) });
      export const url = query({ args: { id: v.string() }, handler: (ctx, { id }) => ctx.storage.getUrl(id) });
    `),
  });
  const fixture = await EngineFixture.with(code);
  onTestFinished(() => fixture.close());
  return fixture;
}

/** As the main thread leaves it when an upload's body is complete. */
function received(fixture: EngineFixture, key: string = randomUUID()) {
  writeFileSync(join(fixture.dataDir, "file-storage", "uploads", key), "content");
  return {
    folder: "uploads" as const,
    key,
    componentPath: "",
    size: 7,
    sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    contentType: null,
  };
}

async function untilStored(fixture: EngineFixture, names: string[]): Promise<void> {
  while (filesOnDisk(fixture.dataDir).stored.toSorted().join() !== names.toSorted().join())
    await new Promise(setImmediate);
}

test("an upload URL is good for an hour", async () => {
  const fixture = await open();
  const token = String(await fixture.mutation("files:uploadUrl")).split("token=")[1]!;
  await fixture.timers.advance(60 * 60_000 - 1);
  expect(fixture.engine.files.componentOfUpload(token)).toBe("");
  await fixture.timers.advance(1);
  expect(() => fixture.engine.files.componentOfUpload(token)).toThrow("Store File Authorization expired");
});

test("a file that cannot be recorded leaves no bytes", async () => {
  const fixture = await open();
  const first = received(fixture);
  await fixture.engine.files.store(first);
  const again = received(fixture, randomUUID());
  await expect(
    fixture.engine.files.store({ ...again, contentType: Symbol("no value of Convex") as never }),
  ).rejects.toThrow(/symbol/i);
  expect(filesOnDisk(fixture.dataDir)).toMatchObject({ stored: [first.key], uploads: [] });
  expect(await fixture.query("files:list")).toHaveLength(1);
});

test("only names that this deployment makes are taken in", async () => {
  const fixture = await open();
  await expect(
    fixture.engine.files.store({ ...received(fixture), key: "../../deployment.sqlite" }),
  ).rejects.toThrow("no name of a received file");
});

test("the engine's start removes what has no row, and nothing that is being uploaded", async () => {
  const fixture = await open();
  const file = received(fixture);
  const id = await fixture.engine.files.store(file);
  await fixture.engine.close();
  const storage = join(fixture.dataDir, "file-storage");
  const uploading = randomUUID();
  writeFileSync(join(storage, "uploads", uploading), "half");
  writeFileSync(join(storage, "stored", randomUUID()), "garbage");
  writeFileSync(join(storage, "stored", "thesis.txt"), "years of work");
  await fixture.reopen();
  expect(filesOnDisk(fixture.dataDir).uploads).toEqual([uploading]);
  expect(filesOnDisk(fixture.dataDir).stored.toSorted()).toEqual([file.key, "thesis.txt"].toSorted());
  expect(await fixture.query("files:url", { id })).toContain("/api/storage/");
  expect(fixture.log).toEqual([]);
});

test("a start says which file has lost its bytes", async () => {
  const fixture = await open();
  await fixture.engine.files.store(received(fixture));
  const lost = received(fixture);
  const id = await fixture.engine.files.store(lost);
  await fixture.engine.close();
  rmSync(join(fixture.dataDir, "file-storage", "stored", lost.key));
  await fixture.reopen();
  expect(fixture.log.join()).toContain(`1 stored files have lost their bytes, the first is ${id}.`);
});

test("while deletions are held the bytes of deleted files stay, and go afterwards", async () => {
  const fixture = await open();
  const [kept, deleted] = [received(fixture), received(fixture)];
  await fixture.engine.files.store(kept);
  const id = await fixture.engine.files.store(deleted);
  const [first, second] = [fixture.engine.files.holdDeletions(), fixture.engine.files.holdDeletions()];
  await fixture.mutation("files:remove", { id });
  first();
  first();
  await fixture.mutation("files:remove", { id: await fixture.engine.files.store(received(fixture)) });
  expect(filesOnDisk(fixture.dataDir).stored).toHaveLength(3);
  second();
  await untilStored(fixture, [kept.key]);
});

test("a query of a URL runs again when the file comes or goes", async () => {
  const fixture = await open();
  const id = await fixture.engine.files.store(received(fixture));
  const url = String(await fixture.query("files:url", { id }));
  const uuid = url.split("/").at(-1);
  const call = (of: unknown) => ({
    componentPath: "",
    name: "files:url",
    argsJson: JSON.stringify({ id: of }),
    caller: { kind: "anonymous" as const },
  });
  const runs = await fixture.engine.runQueries([call(id), call(uuid), call(randomUUID())]);
  const touched: boolean[][] = [];
  fixture.engine.onCommit(({ writes }) => touched.push(runs.map(({ reads }) => reads.isTouchedBy(writes))));
  const other = await fixture.engine.files.store(received(fixture));
  await fixture.mutation("files:remove", { id: other });
  await fixture.mutation("files:remove", { id });
  expect(touched.map(([byId, byUuid]) => [byId, byUuid])).toEqual([
    [false, false],
    [false, false],
    [true, true],
  ]);
  // Whether it was the missing one that came is not known before it is there.
  expect(touched[0]?.[2]).toBe(true);
});

test("a data folder from before file storage gets its folders", async () => {
  const fixture = await open();
  await fixture.engine.close();
  rmSync(join(fixture.dataDir, "file-storage"), { recursive: true });
  await fixture.reopen();
  mkdirSync(join(fixture.dataDir, "file-storage", "stored"), { recursive: true });
  await fixture.engine.files.store(received(fixture));
  expect(await fixture.query("files:list")).toHaveLength(1);
});
