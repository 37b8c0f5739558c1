/** HTTP actions over plain HTTP: routes, methods, bodies, streaming, errors, a client that leaves. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("http");
});
afterAll(() => app.close());

const site = (path: string, init?: RequestInit): Promise<Response> =>
  fetch(`${app.target.siteUrl}${path}`, init);

describe("routes", () => {
  test.each(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])("%s", async (method) => {
    const response = await site("/describe?a=1&b=%C3%BC", {
      method,
      headers: { "X-Case": "yes" },
      ...(method === "GET" ? {} : { body: "text" }),
    });
    expect(await response.json()).toEqual({
      method,
      path: "/describe",
      search: "?a=1&b=%C3%BC",
      header: "yes",
      // As of HEAD and GET, the body of OPTIONS is dropped.
      body: method === "GET" ? null : method === "OPTIONS" ? "" : "text",
    });
  });

  test("HEAD is served by GET, without its body", async () => {
    const response = await site("/describe", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  test("a prefix takes what is below it, the longest prefix wins, an exact path before any", async () => {
    expect(await (await site("/files/a/b")).json()).toMatchObject({ path: "/files/a/b" });
    expect(await (await site("/files/deeper/a")).text()).toBe("the longer prefix");
    expect(await (await site("/files/exact")).text()).toBe("the exact path");
  });

  test("no route is a 404", async () => {
    const response = await site("/nowhere");
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("No HttpAction routed for /nowhere");
    expect((await site("/bytes", { method: "PUT" })).status).toBe(404);
  });
});

describe("bodies", () => {
  test("bytes go through unchanged", async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, i) => i % 256);
    const response = await site("/bytes", { method: "POST", body: bytes });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes.toReversed());
  });

  test("a form with a file", async () => {
    const form = new FormData();
    form.set("name", "Ann");
    form.set("file", new File(["hello"], "hello.txt", { type: "text/plain" }));
    const response = await site("/form", { method: "POST", body: form });
    expect(await response.json()).toEqual({
      name: "Ann",
      file: "hello.txt",
      type: "text/plain",
      text: "hello",
    });
  });

  test("the action reads and writes the database through functions", async () => {
    const bag = freshName("notes");
    const response = await site("/notes", { method: "POST", body: JSON.stringify({ bag, text: "written" }) });
    expect(await response.json()).toEqual(["written"]);
  });
});

describe("answers", () => {
  test.each([200, 201, 204, 205, 304, 400, 404, 418, 500])("status %i with headers", async (code) => {
    const response = await site(`/status?code=${code}`);
    expect(response.status).toBe(code);
    expect(response.headers.get("X-Answer")).toBe("yes");
  });

  test("two cookies stay two", async () => {
    const response = await site("/cookies");
    expect(response.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2"]);
  });

  test("a redirect is the client's to follow", async () => {
    const response = await site("/redirect", { redirect: "manual" });
    expect(response.status).toBe(302);
    expect(response.headers.get("Location")).toBe("/describe");
  });

  test("an error is a 500", async () => {
    const response = await site("/throws");
    expect(response.status).toBe(500);
  });
});

describe("streaming", () => {
  test("what is written arrives before the body ends", async () => {
    const bag = freshName("stream");
    const response = await site(`/stream?bag=${bag}`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("first ");
    // The action waits for this: were the first word held back, both would wait for ever.
    await app.mutation("notes:add", { bag, text: "go on" });
    expect((await reader.read()).value).toBe("second");
    expect((await reader.read()).done).toBe(true);
  });

  test("a body that fails in the middle does not end well", async () => {
    const response = await site("/broken-body");
    await expect(response.text()).rejects.toThrow("terminated");
  });

  test("twenty streams at once", async () => {
    const bags = Array.from({ length: 20 }, () => freshName("crowd"));
    const texts = Promise.all(bags.map(async (bag) => (await site(`/stream?bag=${bag}`)).text()));
    await Promise.all(bags.map((bag) => app.mutation("notes:add", { bag, text: "go on" })));
    expect(new Set(await texts)).toEqual(new Set(["first second"]));
  });

  test("a client that leaves aborts the signal and nothing else: the action goes on", async () => {
    const bag = freshName("abandoned");
    const notes = watch<string[]>(app.connect(), "notes:list", { bag });
    const leaving = new AbortController();
    const response = await site(`/abandoned?bag=${bag}`, { signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();
    expect(await notes.reached((texts) => texts.length === 2)).toEqual(["signal aborted", "write accepted"]);
  });
});

test("without a token nobody is logged in", async () => {
  expect(await (await site("/identity")).json()).toBeNull();
});
