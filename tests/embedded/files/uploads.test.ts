/** Uploads at their edges: who may, what is refused, and what an upload that ends early leaves. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { ConvexHttpClient } from "convex/browser";
import { afterEach, beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../../embedded/deployment.ts";
import { deployFixture } from "../../support/deployedFixture.ts";
import { startEmbedded } from "../../support/embeddedDeployment.ts";
import { files, filesOnDisk, upload } from "../../support/filesApp.ts";
import type { FixtureApp } from "../../support/notesApp.ts";
import { RawConnection } from "../../support/rawHttp.ts";

let app: FixtureApp;
let dataDir: string;
let deployment: Deployment;
let client: ConvexHttpClient;
let logged: string[];

beforeAll(async () => {
  const fixture = await deployFixture("files");
  ({ app, dataDir, deployment, logged } = fixture);
  client = new ConvexHttpClient(deployment.url);
  return fixture.close;
});

afterEach(() => {
  if (logged.length > 0) throw new Error(`the deployment complained: ${logged.splice(0).join("\n")}`);
});

const uploadUrl = (): Promise<string> => client.mutation(files.uploadUrl, {});
const storedCount = async (): Promise<number> => (await client.query(files.list, {})).length;

async function refusal(url: string, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const response = await fetch(url, { method: "POST", body: "content", headers });
  return [response.status, await response.json()];
}

test("an upload URL is signed for this deployment", async () => {
  const before = await storedCount();
  const url = await uploadUrl();
  const invalid = {
    code: "StorageTokenInvalid",
    message: "Couldn't decode the StoreFileAuthorization token",
  };
  const forged = Buffer.from(JSON.stringify({ componentPath: "vault", issuedMs: Date.now() }));
  const signature = url.split(".").at(-1);
  const address = `${deployment.url}/api/storage/upload`;
  for (const token of ["", "x", "x.y", "é", `${forged.toString("base64url")}.${signature}`]) {
    expect(await refusal(`${address}?token=${token}`)).toEqual([401, invalid]);
  }
  expect(await refusal(address)).toMatchObject([400, { code: "BadQueryArgs" }]);
  expect(await storedCount()).toBe(before);
});

test("an upload URL is good for more than one file", async () => {
  const url = await uploadUrl();
  expect(await upload(url, "one")).not.toBe(await upload(url, "two"));
});

test("a checksum that does not fit is refused, and nothing is kept", async () => {
  const before = await storedCount();
  const digest = createHash("sha256").update("content").digest("base64");
  await upload(await uploadUrl(), "content", { Digest: `sha-256=${digest}` });
  const other = createHash("sha256").update("other").digest("base64");
  expect(await refusal(await uploadUrl(), { Digest: `sha-256=${other}` })).toEqual([
    400,
    { code: "Sha256Mismatch", message: `Sha256 mismatch. Expected: ${other} Actual: ${digest}` },
  ]);
  for (const header of ["sha-256=abc", "sha-512=abc", digest]) {
    expect(await refusal(await uploadUrl(), { Digest: header })).toEqual([
      400,
      { code: "BadHeader", message: "Bad header for digest: invalid HTTP header" },
    ]);
  }
  expect(await storedCount()).toBe(before + 1);
  expect(filesOnDisk(dataDir)).toMatchObject({ uploads: [], stored: { length: before + 1 } });
});

test("a content type that is none is refused before the body is read", async () => {
  expect(await refusal(await uploadUrl(), { "Content-Type": "nonsense" })).toEqual([
    400,
    { code: "BadHeader", message: "Bad header for content-type: invalid HTTP header" },
  ]);
});

test("an upload that ends early leaves nothing", async () => {
  const before = await storedCount();
  const { pathname, search } = new URL(await uploadUrl());
  const connection = await RawConnection.open(deployment.url);
  connection.send([`POST ${pathname}${search} HTTP/1.1`, "Host: deployment", "Content-Length: 1000"], "half");
  while (filesOnDisk(dataDir).uploads.length === 0) await new Promise(setImmediate);
  connection.cut();
  while (filesOnDisk(dataDir).uploads.length > 0) await new Promise(setImmediate);
  expect(await storedCount()).toBe(before);
});

test("an upload without a length is taken", async () => {
  const { pathname, search } = new URL(await uploadUrl());
  const connection = await RawConnection.open(deployment.url);
  const head = [`POST ${pathname}${search} HTTP/1.1`, "Host: deployment", "Transfer-Encoding: chunked"];
  connection.send([...head, "Connection: close"], "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  expect(await connection.untilEnd()).toMatch(/^HTTP\/1\.1 200 [^]*storageId/);
  expect(await client.query(files.newest, {})).toMatchObject({ size: 6 });
});

test.each([
  "/api/storage/nonsense",
  "/api/storage/..%2f..%2fadmin-key",
  "/api/storage/%2e%2e/admin-key",
  "/api/storage/00000000-0000-0000-0000-00000000000g",
  "/api/storage/",
])("%s is no file", async (path) => {
  const response = await fetch(deployment.url + path);
  expect([400, 404]).toContain(response.status);
  expect(await response.json()).toHaveProperty("message");
});

test("pages of any origin may upload and download", async () => {
  const url = await uploadUrl();
  const origin = { Origin: "https://app.example" };
  const preflight = await fetch(url, {
    method: "OPTIONS",
    headers: {
      ...origin,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type,digest",
    },
  });
  expect(preflight.headers.get("access-control-allow-headers")).toBe("content-type,digest");
  const stored = await fetch(url, { method: "POST", body: "from a page", headers: origin });
  const { storageId } = (await stored.json()) as { storageId: string };
  const served = await fetch(String(await client.query(files.url, { id: storageId })), { headers: origin });
  for (const { headers } of [preflight, stored, served])
    expect(headers.get("access-control-allow-origin")).toBe(origin.Origin);
});

// Where the system says how much memory a process had.
test.runIf(existsSync("/proc/self/status"))(
  "a file of any size passes through a process that never holds it",
  async () => {
    const own = await startEmbedded(`${app.folder}/large`, 0, 0);
    try {
      await app.push(own.ready);
      const largeClient = new ConvexHttpClient(own.ready.url);
      await upload(await largeClient.mutation(files.uploadUrl, {}), "warm");
      const megabyte = Buffer.alloc(1024 * 1024, "x");
      const megabytes = 300;
      const body = new ReadableStream({
        async start(controller) {
          for (let sent = 0; sent < megabytes; sent++) controller.enqueue(megabyte);
          controller.close();
        },
      });
      const url = await largeClient.mutation(files.uploadUrl, {});
      const stored = await fetch(url, { method: "POST", body, duplex: "half" } as RequestInit);
      const { storageId } = (await stored.json()) as { storageId: string };
      const served = await fetch(String(await largeClient.query(files.url, { id: storageId })));
      const hash = createHash("sha256");
      for await (const chunk of served.body!) hash.update(chunk as Uint8Array);
      const { sha256, size } = (await largeClient.query(files.document, { id: storageId }))!;
      expect([size, sha256]).toEqual([megabytes * megabyte.length, hash.digest("base64")]);
      expect(peakMegabytes(own.pid)).toBeLessThan(megabytes);
    } finally {
      await own.end("SIGTERM");
    }
  },
);

/** The most memory the process ever had, as Linux counts it. */
function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
