/** ctx.storage over the official client, uploads and downloads with fetch, in an app that the official CLI pushed. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../../embedded/deployment.ts";
import { deployFixture } from "../../support/deployedFixture.ts";
import { files, filesOnDisk, upload } from "../../support/filesApp.ts";

let dataDir: string;
let deployment: Deployment;
let client: ConvexHttpClient;
let logged: string[];

beforeAll(async () => {
  const fixture = await deployFixture("files");
  ({ dataDir, deployment, logged } = fixture);
  client = new ConvexHttpClient(deployment.url);
  return fixture.close;
});

afterEach(() => {
  if (logged.length > 0) throw new Error(`the deployment complained: ${logged.splice(0).join("\n")}`);
});

async function uploadText(text: string, headers: Record<string, string> = {}): Promise<string> {
  return await upload(await client.mutation(files.uploadUrl, {}), text, headers);
}

async function urlOf(id: string): Promise<string> {
  const url = await client.query(files.url, { id });
  if (url === null) throw new Error(`${id} has no URL`);
  return url;
}

function sha256(text: string, encoding: "base64" | "hex" = "base64"): string {
  return createHash("sha256").update(text).digest(encoding);
}

/** Bytes are removed soon after the commit: the disk is asked until it says so. */
async function untilGone(count: number): Promise<void> {
  while (filesOnDisk(dataDir).stored.length > count) await new Promise(setImmediate);
}

test("an upload is a document that functions read, and a URL that serves it", async () => {
  const id = await uploadText("hello", { "Content-Type": "text/x-greeting" });
  expect(await client.query(files.document, { id })).toEqual({
    _id: id,
    _creationTime: expect.any(Number) as number,
    sha256: sha256("hello"),
    size: 5,
    contentType: "text/x-greeting",
  });
  expect((await client.query(files.newest, {}))?._id).toBe(id);
  const url = await urlOf(id);
  expect(url).toMatch(new RegExp(`^${deployment.url}/api/storage/[0-9a-f-]{36}$`));
  const response = await fetch(url);
  expect([response.status, await response.text()]).toEqual([200, "hello"]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/x-greeting",
    "content-length": "5",
    "cache-control": "private, max-age=2592000",
    "accept-ranges": "bytes",
    digest: `sha-256=${sha256("hello")}`,
  });
});

test("the call of older versions tells the uuid and the checksum in hexadecimals, and takes the uuid too", async () => {
  const id = await uploadText("old ways");
  const metadata = await client.query(files.metadata, { id });
  const uuid = (await urlOf(id)).split("/").at(-1);
  expect(metadata).toEqual({
    storageId: uuid,
    sha256: sha256("old ways", "hex"),
    size: 8,
    contentType: "text/plain;charset=UTF-8",
  });
  expect(await client.query(files.metadata, { id: String(uuid) })).toEqual(metadata);
  expect(await client.query(files.url, { id: String(uuid) })).toBe(await urlOf(id));
});

test("a file without a type has none", async () => {
  const id = await upload(await client.mutation(files.uploadUrl, {}), new Blob(["?"]));
  expect(await client.query(files.document, { id })).toMatchObject({ contentType: null });
  expect((await fetch(await urlOf(id))).headers.get("content-type")).toBeNull();
});

test("an empty file is a file", async () => {
  const id = await uploadText("");
  const response = await fetch(await urlOf(id), { headers: { Range: "bytes=0-" } });
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

test.each([
  ["bytes=2-4", 206, "cde", "bytes 2-4/10"],
  ["bytes=7-", 206, "hij", "bytes 7-9/10"],
  ["bytes=-2", 206, "ij", "bytes 8-9/10"],
  ["bytes=-99", 206, "abcdefghij", "bytes 0-9/10"],
  ["bytes=5-99", 206, "fghij", "bytes 5-9/10"],
  ["bytes=10-", 416, "", "bytes */10"],
  ["bytes=-0", 416, "", "bytes */10"],
  ["bytes=0-1,4-5", 416, "", "bytes */10"],
  ["bytes=4-2", 200, "abcdefghij", null],
  ["bytes=-", 200, "abcdefghij", null],
  ["lines=1-2", 200, "abcdefghij", null],
])("range %s is answered with %s", async (range, status, text, contentRange) => {
  const response = await fetch(await urlOf(await uploadText("abcdefghij")), { headers: { Range: range } });
  expect([response.status, await response.text(), response.headers.get("content-range")]).toEqual([
    status,
    text,
    contentRange,
  ]);
});

test("HEAD is the head of GET", async () => {
  const url = await urlOf(await uploadText("only the head"));
  const response = await fetch(url, { method: "HEAD" });
  expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([
    200,
    "13",
    "",
  ]);
});

test("a deleted file is gone for functions, for its URL and from the disk", async () => {
  const before = filesOnDisk(dataDir).stored.length;
  const id = await uploadText("short-lived");
  const url = await urlOf(id);
  await client.mutation(files.remove, { id });
  expect(await client.query(files.url, { id })).toBeNull();
  expect(await client.query(files.metadata, { id })).toBeNull();
  expect(await client.query(files.document, { id })).toBeNull();
  const response = await fetch(url);
  const uuid = url.split("/").at(-1);
  expect([response.status, await response.json()]).toEqual([
    404,
    { code: "FileNotFound", message: `File ${uuid} not found` },
  ]);
  await untilGone(before);
  await expect(client.mutation(files.remove, { id })).rejects.toThrow(`storage id ${id} not found`);
});

test.each([true, false])("a deletion that is rolled back leaves the file (caught: %s)", async (caught) => {
  const id = await uploadText("here to stay");
  const attempt = client.mutation(files.removeInVain, { id, caught });
  const [outcome] = await Promise.allSettled([attempt]);
  expect(outcome.status).toBe(caught ? "fulfilled" : "rejected");
  // Another deletion's commit comes and goes: it must not take this one's bytes with it.
  const before = filesOnDisk(dataDir).stored.length;
  await client.mutation(files.remove, { id: await uploadText("gone") });
  await untilGone(before);
  expect(await (await fetch(await urlOf(id))).text()).toBe("here to stay");
});

test("ids of files are checked as ids are", async () => {
  const id = await uploadText("attached");
  const row = await client.mutation(files.attach, { file: id });
  expect(await client.query(files.normalized, { text: id })).toBe(id);
  expect(await client.query(files.normalized, { text: row })).toBeNull();
  expect(await client.query(files.normalized, { text: "nonsense" })).toBeNull();
  await expect(client.mutation(files.attach, { file: row })).rejects.toThrow('v.id("_storage")');
  await expect(client.query(files.url, { id: row })).rejects.toThrow(
    "Invalid storage ID. Storage ID cannot be an ID on any table other than '_storage'.",
  );
  await expect(client.query(files.url, { id: "../../admin-key" })).rejects.toThrow(
    'Invalid argument `storageId` for `storage.getUrl`: Invalid storage ID: "../../admin-key".',
  );
  await expect(client.mutation(files.removeByHand, { id })).rejects.toThrow(
    "System tables can only be accessed with db.system.",
  );
});

test("actions store, read and delete, and hold what they read to their end", async () => {
  const id = await client.action(files.storeText, { text: "from an action", type: "text/plain" });
  const seen = await client.action(files.fromAction, { id });
  expect(seen.url).toBe(await urlOf(id));
  expect(seen.metadata).toEqual(await client.query(files.metadata, { id }));
  expect(await upload(seen.uploadUrl, "uploaded")).toBe((await client.query(files.newest, {}))?._id);
  expect(await client.action(files.readDeleted, { id })).toEqual({
    text: "from an action",
    type: "text/plain",
    size: 14,
    again: null,
  });
  while (filesOnDisk(dataDir).actions.length > 0) await new Promise(setImmediate);
});

test("an action's checksum is compared, and what does not fit is not stored", async () => {
  const before = (await client.query(files.list, {})).length;
  const right = sha256("checked");
  await client.action(files.storeText, { text: "checked", sha256: right });
  const mismatch = client.action(files.storeText, { text: "changed", sha256: right });
  await expect(mismatch).rejects.toThrow(`Sha256 mismatch. Expected: ${right} Actual: ${sha256("changed")}`);
  await expect(client.action(files.storeText, { text: "x", sha256: "short" })).rejects.toThrow("invalid");
  await expect(client.action(files.storeText, { text: "x", type: "nonsense" })).rejects.toThrow(
    "content type",
  );
  expect((await client.query(files.list, {})).length).toBe(before + 1);
});

test("HTTP actions store their request and answer with a file", async () => {
  const bytes = Buffer.alloc(3_000_000, "0123456789");
  const stored = await fetch(`${deployment.siteUrl}/store`, {
    method: "POST",
    body: bytes,
    headers: { "Content-Type": "application/x-digits" },
  });
  const id = (await stored.json()) as string;
  const read = await fetch(`${deployment.siteUrl}/read/${id}`);
  expect(read.headers.get("content-type")).toBe("application/x-digits");
  expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true);
});

test("a component has files of its own, which the app's functions and URLs do not reach", async () => {
  const id = await upload(await client.mutation(files.vaultUploadUrl, {}), "in the vault");
  expect(await client.query(files.vaultCount, {})).toBe(1);
  const url = await client.query(files.vaultUrl, { id });
  expect(await (await fetch(String(url))).text()).toBe("in the vault");
  await expect(client.query(files.url, { id })).rejects.toThrow("any table other than '_storage'");
  expect((await fetch(String(url).replace(/\?.*/, ""))).status).toBe(404);
  const ofApp = await urlOf(await uploadText("of the app"));
  expect((await fetch(`${ofApp}?component=vault`)).status).toBe(404);
  await client.action(files.vaultStoreText, { text: "another" });
  expect(await client.query(files.vaultCount, {})).toBe(2);
});

test("user code cannot speak the host's own language", async () => {
  const id = await uploadText("mine");
  const forged = { storageId: id, key: "x", size: 1, sha256: "x", contentType: null };
  for (const op of ["host/findFile", "host/storeFile"]) {
    await expect(client.action(files.forge, { op, args: forged })).rejects.toThrow(
      `Unknown async operation ${op}`,
    );
  }
});

test("what is stored is for its owner only", async () => {
  await uploadText("secret");
  const { stored } = filesOnDisk(dataDir);
  const paths = ["", "stored", "uploads", "actions"].map((part) => join(dataDir, "file-storage", part));
  for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const name of stored)
    expect(statSync(join(dataDir, "file-storage", "stored", name)).mode & 0o777).toBe(0o600);
});
