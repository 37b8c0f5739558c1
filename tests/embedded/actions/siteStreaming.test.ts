import { afterEach, expect, test } from "vitest";
import type { ActionContext } from "../../../embedded/protocol/actions.ts";
import {
  startActions,
  type ActionFixture,
  type ActionFixtureOptions,
} from "../../support/actionPoolFixture.ts";
import { Gates } from "../../support/gates.ts";
import { RawConnection } from "../../support/rawHttp.ts";

const open: ActionFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.pool.close();
});

/** `handler` is the body of the HTTP action behind POST and GET /run, with `ctx`, `request`, `door` and `stream`. */
async function site(
  handler: string,
  options: ActionFixtureOptions = {},
): Promise<{ actions: ActionFixture; gates: Gates; url: string }> {
  const gates = new Gates();
  const actions = await startActions(
    {
      "http.ts": `import { httpRouter, httpActionGeneric as httpAction } from "convex/server";
        const http = httpRouter();
        const handler = httpAction(async (ctx: any, request: Request) => {
          const door = (name: string, detail: unknown = null) => ctx.runQuery(name, { detail });
          const { readable, writable } = new TransformStream();
          const writer = writable.getWriter();
          const write = (text: string) => writer.write(new TextEncoder().encode(text));
          ${handler}
        });
        http.route({ path: "/run", method: "POST", handler });
        http.route({ path: "/run", method: "GET", handler });
        http.route({ pathPrefix: "/files/", method: "GET", handler });
        export default http;`,
    },
    {
      syscall: (_: ActionContext, __: string, args: unknown) => {
        const { name, args: given } = args as { name: string; args: { detail: unknown } };
        return gates.pass(name, given.detail);
      },
      routes: [
        { method: "POST", path: "/run" },
        { method: "GET", path: "/run" },
        { method: "GET", path: "/files/*" },
      ],
      ...options,
    },
  );
  open.push(actions);
  return { actions, gates, url: actions.pool.localUrl };
}

const post = ["POST /run HTTP/1.1", "Host: site", "Content-Length: 0"];

test("the head is there before the first byte, and each byte when it is written", async () => {
  const { gates, url } = await site(`
    void (async () => { for (const token of ["a", "b", "c"]) { await door(token); await write(token); } await writer.close(); })();
    return new Response(readable, { status: 201, headers: { "X-Own": "yes" } });`);
  const client = await RawConnection.open(url);
  client.send(post);
  const head = await client.until("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1\.1 201 Created\r\n/);
  expect(head.toLowerCase()).toContain("x-own: yes");
  for (const token of ["a", "b", "c"]) {
    await gates.reached(token);
    expect(await client.until("\r\n\r\n")).not.toContain(`\r\n${token}\r\n`);
    gates.open(token);
    await client.until(`1\r\n${token}\r\n`);
  }
  expect(await client.until("0\r\n\r\n")).toContain("1\r\nc\r\n0\r\n\r\n");
});

test("the request arrives as it was sent", async () => {
  const { url } = await site(`
    const body = await new Response(request.body!.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())).text();
    return Response.json({ body, url: request.url, method: request.method, own: request.headers.get("x-own") });`);
  const client = await RawConnection.open(url);
  client.send(
    ["POST /run?q=1 HTTP/1.1", "Host: site", "Content-Length: 8", "X-Own: a", "Connection: close"],
    "half",
  );
  client.socket.write("rest");
  const [, body = ""] = (await client.untilEnd()).split("\r\n\r\n");
  expect(JSON.parse(body.replace(/^[0-9a-f]+\r\n|\r\n0$/g, ""))).toEqual({
    body: "halfrest",
    url: "http://site/run?q=1",
    method: "POST",
    own: "a",
  });
});

test("a client that goes away aborts request.signal, and the action runs to the end of its body", async () => {
  const { actions, gates, url } = await site(`
    request.signal.addEventListener("abort", () => void door("aborted"));
    void (async () => {
      await write("hello"); await door("gone");
      await write("into the void"); await door("written");
      await writer.close(); await door("after the close");
    })();
    return new Response(readable);`);
  const client = await RawConnection.open(url);
  client.send(post);
  await client.until("hello");
  client.cut();
  await gates.reached("aborted");
  await gates.reached("gone");
  gates.open("gone");
  await gates.reached("written");
  expect(actions.completions).toEqual([]);
  gates.open("written");
  expect(await actions.nextCompletion()).toMatchObject({
    name: "POST /run",
    kind: "httpAction",
    error: null,
  });
});

test("work after the body's end is dropped", async () => {
  const { actions, gates, url } = await site(`
    void (async () => { await write("x"); await writer.close(); setTimeout(() => void door("late"), 0); })();
    return new Response(readable);`);
  expect(await (await fetch(`${url}/run`)).text()).toBe("x");
  await actions.nextCompletion();
  expect(await (await fetch(`${url}/run`)).text()).toBe("x");
  expect(
    await Promise.race([gates.reached("late").then(() => "asked"), Promise.resolve("never asked")]),
  ).toBe("never asked");
});

test("an error before the head is a 500 that names it", async () => {
  const { actions, url } = await site(`throw new Error("no such luck")`);
  const response = await fetch(`${url}/run`);
  expect(response.status).toBe(500);
  expect(await response.json()).toEqual({
    code: expect.stringMatching(/^\[Request ID: [0-9a-f]{16}\] Server Error$/) as string,
    trace: expect.stringContaining("Uncaught Error: no such luck") as string,
  });
  expect((await actions.nextCompletion()).error).toContain("no such luck");
});

test.each([
  [
    "an unhandled rejection",
    `void (async () => { await write("a"); await door("go"); throw new Error("astray"); })(); return new Response(readable);`,
  ],
  [
    "an error of its stream",
    `return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode("a")); }, async pull() { await door("go"); throw new Error("astray"); } }));`,
  ],
  [
    "a chunk that is no bytes",
    `let n = 0; return new Response(new ReadableStream({ async pull(c) { if (n++ === 0) c.enqueue(new TextEncoder().encode("a")); else { await door("go"); c.enqueue("astray" as any); } } }));`,
  ],
])("%s after the head cuts the body without its end", async (_, handler) => {
  const { actions, gates, url } = await site(handler);
  const client = await RawConnection.open(url);
  client.send(post);
  await client.until("1\r\na\r\n");
  await gates.reached("go");
  gates.open("go");
  expect(await client.untilEnd()).not.toContain("0\r\n\r\n");
  expect((await actions.nextCompletion()).error).toMatch(/astray|Uint8Array/);
});

test("routes: prefix, HEAD as GET, OPTIONS and unknown paths", async () => {
  const { actions, url } = await site(
    `return new Response(request.method + " " + new URL(request.url).pathname)`,
  );
  expect(await (await fetch(`${url}/files/a/b`)).text()).toBe("GET /files/a/b");
  const head = await fetch(`${url}/run`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  const options = await fetch(`${url}/run`, { method: "OPTIONS" });
  expect([options.status, await options.text()]).toEqual([404, "No HttpAction routed for /run"]);
  expect((await fetch(`${url}/nowhere`)).status).toBe(404);
  expect(actions.completions.map(({ name }) => name)).toContain("GET /files/*");
});

test.each([
  ["TRACE", ["TRACE /run HTTP/1.1", "Host: site"], 405],
  ["a host with a password", ["GET /run HTTP/1.1", "Host: user:secret@site"], 400],
  ["a URL that is none", ["GET http://[/run HTTP/1.1", "Host: site"], 400],
])("%s is refused with a sentence before any function runs", async (_what, lines, status) => {
  const { actions, url } = await site(`return new Response("served")`);
  const client = await RawConnection.open(url);
  client.send([...lines, "Connection: close"]);
  expect(await client.untilEnd()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*\r\n\r\n.+\\.$`, "s"));
  expect([actions.completions, actions.logs]).toEqual([[], []]);
});

test("a whole URL in the request line is served as its path and query", async () => {
  const { url } = await site(`return new Response(request.url)`);
  const client = await RawConnection.open(url);
  client.send(["GET http://site/run?q=1 HTTP/1.1", "Host: site", "Connection: close"]);
  expect(await client.untilEnd()).toContain("http://site/run?q=1");
});

test("an answer that leaves the request's body unread says that the connection ends, and arrives whole", async () => {
  const { url } = await site(`return new Response("served");`, { limits: { maxRequestBytes: 100_000 } });
  const refused = await RawConnection.open(url);
  refused.send(["POST /run HTTP/1.1", "Host: site", "Content-Length: 1000000"], "x".repeat(200_000));
  const answer = await refused.untilEnd();
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer.toLowerCase()).toContain("connection: close");
  expect(answer).toContain("larger than 100000 bytes");

  const kept = await RawConnection.open(url);
  kept.send(post);
  expect((await kept.until("served")).toLowerCase()).toContain("connection: keep-alive");
  kept.cut();
});

test("what exceeds the response limit is dropped, with a log line", async () => {
  const { actions, url } = await site(
    `void (async () => { await write("12345678"); await write("dropped"); await writer.close(); })(); return new Response(readable);`,
    { limits: { maxResponseBytes: 10 } },
  );
  expect(await (await fetch(`${url}/run`)).text()).toBe("12345678");
  expect((await actions.nextCompletion()).logLines).toEqual([
    "[ERROR] HttpResponseTooLarge: HTTP actions support responses up to 10 B",
  ]);
});

test("64 streams run side by side; the next one waits, and is refused when it waits too long", async () => {
  const { gates, url } = await site(
    `const { n } = await request.json(); void (async () => { await write("begun"); await door("finish"); await write(" " + n); await writer.close(); })(); return new Response(readable);`,
    { limits: { maxWaitMs: 20 } },
  );
  const start = (n: number): Promise<Response> =>
    fetch(`${url}/run`, { method: "POST", body: JSON.stringify({ n }) });
  const responses = await Promise.all(Array.from({ length: 64 }, (_, n) => start(n)));
  const refused = await start(64);
  expect([refused.status, await refused.json()]).toEqual([
    429,
    {
      code: "TooManyConcurrentRequests",
      message:
        "Too many concurrent requests. Your backend is limited to 64 concurrent http_actions. Back off and try again.",
    },
  ]);
  gates.open("finish");
  const texts = await Promise.all(responses.map((response) => response.text()));
  expect(texts).toEqual(Array.from({ length: 64 }, (_, n) => `begun ${n}`));
  expect((await start(65)).status).toBe(200);
});

test("who waits in line is served when a slot becomes free", async () => {
  const { gates, url } = await site(
    `if ((await request.text()) === "first") await door("first"); return new Response("served");`,
    { limits: { concurrent: 1 } },
  );
  const first = fetch(`${url}/run`, { method: "POST", body: "first" });
  await gates.reached("first");
  const second = fetch(`${url}/run`, { method: "POST", body: "second" });
  gates.open("first");
  expect(await (await first).text()).toBe("served");
  expect(await (await second).text()).toBe("served");
});

test("a thread that dies cuts its bodies, and the port is back", async () => {
  const { actions, url } = await site(
    `const text = await request.text();
     void (async () => { await write("begun"); if (text === "spin") for (;;); })();
     return text === "hello" ? new Response("hello") : new Response(readable);`,
    { heartbeat: { everyMs: 50, maxMissed: 40 } },
  );
  const innocent = await RawConnection.open(url);
  innocent.send(post);
  await innocent.until("begun");
  const spinning = fetch(`${url}/run`, { method: "POST", body: "spin" })
    .then((response) => response.text())
    .catch(() => "cut");
  expect(await innocent.untilEnd()).not.toContain("0\r\n\r\n");
  expect(await spinning).toBe("cut");
  expect((await actions.nextCompletion()).error).toContain("The action was lost");
  const hello = async (): Promise<string> => {
    for (;;) {
      const response = await fetch(`${url}/run`, { method: "POST", body: "hello" }).catch(() => null);
      if (response) return await response.text();
    }
  };
  expect(await hello()).toBe("hello");
});

test("a known token makes the caller of what the HTTP action calls, an unknown one nobody", async () => {
  const callers: unknown[] = [];
  const { url } = await site(`await ctx.auth.getUserIdentity(); return new Response("ok")`, {
    identify: (header) =>
      header === "Bearer good"
        ? Promise.resolve({ kind: "admin", impersonating: null })
        : Promise.reject(new Error("bad")),
    syscall: (context: ActionContext) => void callers.push(context.caller),
  });
  for (const authorization of ["Bearer good", "Bearer bad"])
    await (await fetch(`${url}/run`, { headers: { authorization } })).text();
  expect(callers).toEqual([{ kind: "admin", impersonating: null }, { kind: "anonymous" }]);
});
