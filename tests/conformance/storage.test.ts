/** File storage: uploads, downloads, what functions see of files, and the table `_storage`. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("storage");
});
afterAll(() => app.close());

async function upload(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<string> {
  const url = await app.mutation<string>("files:uploadUrl");
  const response = await fetch(url, { method: "POST", body, headers });
  expect(response.status).toBe(200);
  return ((await response.json()) as { storageId: string }).storageId;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("base64");
const urlOf = (id: string): Promise<string | null> => app.query<string | null>("files:url", { id });

describe("uploads", () => {
  test("a file is what was sent, with its type, size and checksum", async () => {
    const id = await upload("hello", { "Content-Type": "text/x-greeting" });
    expect(await app.query("files:document", { id })).toEqual({
      _id: id,
      _creationTime: expect.any(Number),
      contentType: "text/x-greeting",
      sha256: sha256("hello"),
      size: 5,
    });
    const response = await fetch((await urlOf(id))!);
    expect(response.headers.get("Content-Type")).toBe("text/x-greeting");
    expect(await response.text()).toBe("hello");
  });

  test("bytes of any kind come back unchanged", async () => {
    const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256);
    const response = await fetch((await urlOf(await upload(bytes)))!);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
  });

  test("one that does not match its announced checksum is refused", async () => {
    const url = await app.mutation<string>("files:uploadUrl");
    const headers = { Digest: `sha-256=${sha256("something else")}` };
    const response = await fetch(url, { method: "POST", body: "hello", headers });
    expect(response.status).toBe(400);
  });

  test("a made-up upload URL is refused", async () => {
    const url = new URL(await app.mutation<string>("files:uploadUrl"));
    url.searchParams.set("token", "made up");
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBeGreaterThanOrEqual(400);
  });
});

describe("downloads", () => {
  test("a part of a file", async () => {
    const url = (await urlOf(await upload("0123456789")))!;
    const middle = await fetch(url, { headers: { Range: "bytes=2-4" } });
    expect([middle.status, await middle.text()]).toEqual([206, "234"]);
    expect(middle.headers.get("Content-Range")).toBe("bytes 2-4/10");
    const end = await fetch(url, { headers: { Range: "bytes=-3" } });
    expect([end.status, await end.text()]).toEqual([206, "789"]);
  });

  test("a file that is gone is a 404, and its URL is null", async () => {
    const id = await upload("short-lived");
    const url = (await urlOf(id))!;
    await app.mutation("files:remove", { id });
    expect((await fetch(url)).status).toBe(404);
    expect(await urlOf(id)).toBeNull();
    expect(await app.query("files:document", { id })).toBeNull();
  });
});

describe("functions", () => {
  test("an action stores and reads a file", async () => {
    const id = await app.action<string>("files:store", { text: "made by an action", type: "text/plain" });
    expect(await app.action("files:read", { id })).toMatchObject({ text: "made by an action", size: 17 });
    expect(await (await fetch((await urlOf(id))!)).text()).toBe("made by an action");
  });

  test("a file that is deleted in a mutation that fails is still there", async () => {
    const id = await upload("kept");
    await expect(app.mutation("files:removeAndThrow", { id })).rejects.toThrow("nothing is deleted");
    expect(await (await fetch((await urlOf(id))!)).text()).toBe("kept");
  });

  test("_storage is a table that can be queried and shown by the CLI", async () => {
    const id = await upload("listed");
    expect(await app.query("files:all")).toContain(id);
    const { stdout } = await app.cli.run(["data", "_storage", "--format", "jsonl"]);
    expect(stdout).toContain(id);
  });
});
