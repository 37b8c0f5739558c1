/** The deployment port's HTTP API at its edges. */
import { beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../embedded/deployment.ts";
import { deployFixture } from "../support/deployedFixture.ts";
import { RawConnection } from "../support/rawHttp.ts";

let deployment: Deployment;
let logged: string[];

beforeAll(async () => {
  const fixture = await deployFixture("notes", { instanceName: "notes" });
  ({ deployment, logged } = fixture);
  return fixture.close;
});

const json = { "Content-Type": "application/json" };

function request(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(deployment.url + path, init);
}

async function post(path: string, body: unknown, authorization?: string) {
  const headers = new Headers(authorization === undefined ? json : { ...json, Authorization: authorization });
  const response = await request(path, { method: "POST", body: JSON.stringify(body), headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test("functions are called by path, by URL and by GET", async () => {
  await post("/api/mutation", { path: "notes:add", args: { board: "http", text: "one" } });
  const byPath = await post("/api/query", { path: "notes:list", args: [{ board: "http" }] });
  const byUrl = await post("/api/run/notes/list", { args: { board: "http" } });
  const args = encodeURIComponent(JSON.stringify({ board: "http" }));
  const byGet = await (await request(`/api/query?path=notes:list&args=${args}`)).json();
  expect(byPath.body).toEqual({ status: "success", value: ["one"] });
  expect([byUrl.body, byGet]).toEqual([byPath.body, byPath.body]);
});

test("a batch of queries is answered in its order, each for itself", async () => {
  await post("/api/mutation", { path: "notes:add", args: { board: "batch", text: "one" } });
  const list = { path: "notes:list", args: { board: "batch" } };
  const { body } = await post("/api/query_batch", {
    queries: [list, { path: "notes:none", args: {} }, list],
  });
  const answer = { status: "success", value: ["one"] };
  expect(body["results"]).toEqual([answer, expect.objectContaining({ status: "error" }), answer]);
  expect((await post("/api/query_batch", { queries: [] })).body).toEqual({ results: [] });
});

test("a query at a timestamp holds while nothing was written since, and is refused afterwards", async () => {
  const list = { path: "notes:list", args: { board: "snapshot" } };
  const { ts } = (await post("/api/query_ts", {})).body;
  const answer = { status: 200, body: { status: "success", value: [] } };
  expect(await post("/api/query_at_ts", { ...list, ts })).toEqual(answer);
  await post("/api/mutation", { path: "notes:add", args: { board: "snapshot", text: "one" } });
  expect(await post("/api/query_at_ts", { ...list, ts })).toMatchObject({
    status: 400,
    body: { code: "SnapshotNotKept" },
  });
  const later = Buffer.alloc(8, 0x7f).toString("base64");
  expect((await post("/api/query_at_ts", { ...list, ts: later })).body["message"]).toContain("in the future");
});

test.each(["json", "convex_clean_json", "convex_encoded_json", "convex_json"])(
  "a result in the format %s",
  async (format) => {
    const { body } = await post("/api/query", { path: "notes:list", args: { board: "none" }, format });
    expect(body).toMatchObject({ status: "success", value: [] });
  },
);

test("a function of any kind is called by the admin, and in its URL by anybody", async () => {
  const call = { path: "notes:list", args: { board: "any" } };
  expect((await post("/api/function", call)).status).toBe(401);
  const asAdmin = await post("/api/function", call, `Convex ${deployment.adminKey}`);
  expect(asAdmin.body).toEqual({ status: "success", value: [] });
  expect((await post("/api/run/notes", { args: {} })).body["code"]).toBe("MissingIdentifier");
});

test("a client that asks before it sends is told to go on, and answered", async () => {
  const body = JSON.stringify({ path: "notes:list", args: { board: "asked" } });
  const client = await RawConnection.open(deployment.url);
  client.send([
    "POST /api/query HTTP/1.1",
    "Host: deployment",
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Expect: 100-continue",
    "Connection: close",
  ]);
  expect(await client.until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  client.socket.write(body);
  expect(await client.untilEnd()).toMatch(/HTTP\/1\.1 200 [^]*"status":"success"/);
});

test.each([
  ["to where nothing is", "POST /api/nothing", 404],
  ["without the key", "POST /api/deploy2/start_push", 401],
  ["about its options", "OPTIONS /api/query", 200],
])(
  "a client that asks before it sends %s is answered at once, and its connection ends",
  async (_what, line, status) => {
    const client = await RawConnection.open(deployment.url);
    client.send([`${line} HTTP/1.1`, "Host: deployment", "Content-Length: 9", "Expect: 100-continue"]);
    expect(await client.untilEnd()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*Connection: close`));
  },
);

test("an expectation that nobody knows is ignored, as by Convex", async () => {
  const client = await RawConnection.open(deployment.url);
  client.send(["GET /instance_name HTTP/1.1", "Host: deployment", "Expect: the-best", "Connection: close"]);
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 200 [^]*notes/);
});

test("a tunnel is refused", async () => {
  const client = await RawConnection.open(deployment.url);
  client.send(["CONNECT elsewhere:443 HTTP/1.1", "Host: elsewhere:443"]);
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 405 /);
});

test("a request that is refused together with its whole body leaves the connection for the next", async () => {
  const client = await RawConnection.open(deployment.url);
  for (const [path, status] of [
    ["/api/nothing", 404],
    ["/api/deploy2/start_push", 401],
    ["/api/query", 400],
  ] as const) {
    client.send([`POST ${path} HTTP/1.1`, "Host: deployment", "Content-Length: 4"], "body");
    expect(await client.until(`HTTP/1.1 ${status} `)).not.toContain("Connection: close");
  }
  client.send(["GET /instance_name HTTP/1.1", "Host: deployment", "Connection: close"]);
  expect(await client.untilEnd()).toMatch(/notes$/);
});

test("an offer to speak HTTP/2 is declined by an answer", async () => {
  const client = await RawConnection.open(deployment.url);
  client.send(["GET /instance_name HTTP/1.1", "Host: deployment", "Connection: Upgrade", "Upgrade: h2c"]);
  expect(await client.until("notes")).toMatch(/^HTTP\/1\.1 200 /);
  client.cut();
});

test("a function's failure is an answer, with its message", async () => {
  const { status, body } = await post("/api/query", { path: "notes:list", args: { board: 1 } });
  expect([status, body["status"]]).toEqual([200, "error"]);
  expect(body["errorMessage"]).toContain("board");
});

test("a query's endpoint does not run a mutation", async () => {
  const { body } = await post("/api/query", { path: "notes:add", args: { board: "http", text: "no" } });
  expect(body["status"]).toBe("error");
});

test.each([
  ["without the key", undefined, 401, "Unauthenticated"],
  ["with another key", "Convex notes|1234", 401, "BadAdminKey"],
  ["with a token", "Bearer abc", 401, "Unauthenticated"],
  ["with too short a header", "abc", 400, "InvalidHeaderFailure"],
  ["with an unknown scheme", "Basic abc", 400, "InvalidAdminKey"],
])("an admin endpoint asked %s is refused", async (_how, authorization, status, code) => {
  const answer = await post("/api/update_environment_variables", { changes: [] }, authorization);
  expect([answer.status, answer.body["code"]]).toEqual([status, code]);
});

test("an admin endpoint refuses before it reads the body", async () => {
  const response = await request("/api/deploy2/start_push", { method: "POST", body: "x".repeat(4_000_000) });
  expect(response.status).toBe(401);
});

test.each([
  ["no body", "", 400, "Failed to parse the request body as JSON: "],
  ["no JSON", "{", 400, "Failed to parse the request body as JSON: "],
  ["no path", "{}", 400, "into the target type: missing field `path`"],
  ["no arguments", '{"path":"notes:list"}', 400, "into the target type: missing field `args`"],
  [
    "an unknown format",
    '{"path":"notes:list","args":{},"format":"xml"}',
    400,
    'must be one of [`json`]. Got "xml"',
  ],
  ["two arguments", '{"path":"notes:list","args":[{},{}]}', 400, "more than one value"],
])("a call with %s is refused with a sentence", async (_what, body, status, sentence) => {
  const response = await request("/api/query", { method: "POST", body, headers: json });
  const answer = (await response.json()) as { message: string };
  expect(response.status).toBe(status);
  expect(answer.message).toContain(sentence);
});

test("a body beyond the limit is refused, compressed or not", async () => {
  const large = JSON.stringify({ path: "notes:list", args: { board: "x".repeat(18_000_000) } });
  const plain = await request("/api/query", { method: "POST", body: large, headers: json });
  const { brotliCompressSync } = await import("node:zlib");
  const compressed = await request("/api/query", {
    method: "POST",
    body: brotliCompressSync(large, { params: { 1: 1 } }),
    headers: { ...json, "Content-Encoding": "br" },
  });
  const refusal = {
    code: "BadJsonBody",
    message: "Failed to buffer the request body: length limit exceeded",
  };
  for (const answer of [plain, compressed])
    expect([answer.status, await answer.json()]).toEqual([400, refusal]);
});

test.each([
  [undefined, "BadJsonBody"],
  ["text/plain;charset=UTF-8", "BadJsonBody"],
  ["application/x-www-form-urlencoded", "BadJsonBody"],
  ["application/jsonp", "BadJsonBody"],
  ["application/json", undefined],
  ["application/json; charset=utf-8", undefined],
  ["Application/Vnd.App+JSON", undefined],
])("a body of the Content-Type %s is answered with the code %s", async (type, code) => {
  // Bytes: for text, fetch would name a type by itself.
  const body = new TextEncoder().encode('{"path":"notes:list","args":{"board":"typed"}}');
  const headers = new Headers(type === undefined ? {} : { "Content-Type": type });
  const answer = await request("/api/query", { method: "POST", body, headers });
  const message = "Expected request with `Content-Type: application/json`";
  expect([answer.status, await answer.json()]).toEqual(
    code === undefined ? [200, { status: "success", value: [] }] : [400, { code, message }],
  );
});

test.each(["path", "args"])("a query by its URL without %s is refused", async (missing) => {
  const given = new URLSearchParams({ path: "notes:list", args: "{}" });
  given.delete(missing);
  const answer = await request(`/api/query?${given}`);
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { code: "BadQueryArgs", message: `Failed to deserialize query string: missing field \`${missing}\`` },
  ]);
});

test("endpoints that are not there say so", async () => {
  expect((await request("/nothing")).status).toBe(404);
  expect((await request("/api/mutation")).status).toBe(405);
  const exported = await post("/api/export/request/zip", {});
  expect([exported.status, exported.body["code"]]).toEqual([400, "Unsupported"]);
});

test.each([
  ["a path that could be a host", "POST //[ HTTP/1.1", 400],
  ["a host before the path", "POST //other.example/api/query HTTP/1.1", 400],
  ["a URL that is none", "POST http://[/api/query HTTP/1.1", 400],
  ["a broken escape", "POST /api/run/notes/%E0%A4%A HTTP/1.1", 400],
  ["a whole URL, as proxies send it", "POST http://deployment/api/query HTTP/1.1", 200],
])("%s in the request line is answered with a sentence and not logged", async (_what, line, status) => {
  const client = await RawConnection.open(deployment.url);
  const body = '{"path":"notes:list","args":{"board":"raw"}}';
  client.send(
    [
      line,
      "Host: deployment",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "Connection: close",
    ],
    body,
  );
  const answer = await client.untilEnd();
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain(status === 200 ? '"success"' : '"code":"BadRequest"');
  expect(logged).toEqual([]);
});

test("arguments that nest too deeply are refused in a sentence and not logged", async () => {
  const body = `{"path":"notes:list","args":{"board":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`;
  const answer = await request("/api/query", { method: "POST", body, headers: json });
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining("more than 128 deep")]);
  expect(logged).toEqual([]);
});

test("browsers of any origin may call", async () => {
  const preflight = await request("/api/query", {
    method: "OPTIONS",
    headers: {
      Origin: "https://app.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,x-own",
    },
  });
  expect(preflight.status).toBe(200);
  expect(preflight.headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization,x-own");
  expect(preflight.headers.get("access-control-allow-methods")).toBe("GET,POST,OPTIONS,PATCH,DELETE,PUT");
});

test("the deployment says who and how it is", async () => {
  expect(await (await request("/instance_name")).text()).toBe("notes");
  expect(await (await request("/health")).json()).toEqual({
    ok: true,
    status: "ok",
    engineSilentMs: 0,
    uptimeSeconds: expect.any(Number),
    memoryBytes: expect.any(Number),
  });
});

test("HTTP actions are served on the site URL", async () => {
  const response = await fetch(`${deployment.siteUrl}/echo`, { method: "POST", body: "hello" });
  expect(await response.text()).toBe("echo: hello");
});
