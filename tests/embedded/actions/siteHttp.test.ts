/** What HTTP itself has at the site port: methods, headers, connections, crowds, and clients that do not read. */
import { once } from "node:events";
import { expect, test } from "vitest";
import { actionSite } from "../../support/actionSite.ts";
import { RawConnection } from "../../support/rawHttp.ts";

test.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is served", async (method) => {
  const { url } = await actionSite(`return new Response(request.method);`);
  expect(await (await fetch(`${url}/run`, { method })).text()).toBe(method);
});

test("HEAD is what GET answers, without its body", async () => {
  const { url } = await actionSite(
    `return new Response("body", { status: 201, headers: { "X-Method": request.method } });`,
  );
  const response = await fetch(`${url}/run`, { method: "HEAD" });
  expect([response.status, response.headers.get("x-method"), await response.text()]).toEqual([
    201,
    "HEAD",
    "",
  ]);
});

test("a method that Convex does not route is a 405 with those it does", async () => {
  const { actions, url } = await actionSite(`return new Response("served");`);
  const client = await RawConnection.open(url);
  client.send(["PROPFIND /run HTTP/1.1", "Host: site", "Connection: close"]);
  const answer = await client.untilEnd();
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  expect(answer.toLowerCase()).toContain("allow: get,head,post,delete,patch,put,options");
  expect(actions.completions).toEqual([]);
});

test("headers that come several times arrive and leave several times", async () => {
  const { url } = await actionSite(
    `const headers = new Headers({ "X-Seen": request.headers.get("x-twice")! });
     headers.append("Set-Cookie", "a=1; Path=/"); headers.append("Set-Cookie", "b=2");
     return new Response("ok", { headers });`,
  );
  const client = await RawConnection.open(url);
  client.send(["GET /run HTTP/1.1", "Host: site", "X-Twice: one", "X-Twice: two", "Connection: close"]);
  const answer = (await client.untilEnd()).toLowerCase();
  expect(answer).toContain("x-seen: one, two\r\n");
  expect(answer).toContain("set-cookie: a=1; path=/\r\nset-cookie: b=2\r\n");
});

test("a body that is longer than its function says is cut there, one that is shorter ends the connection", async () => {
  const { url } = await actionSite(
    `const length = request.headers.get("x-length")!;
     return new Response(request.method === "GET" ? "12345" : null, { status: request.method === "GET" ? 200 : 304, headers: { "Content-Length": length } });`,
  );
  const client = await RawConnection.open(url);
  const ask = (method: string, length: number): void =>
    client.send([`${method} /run HTTP/1.1`, "Host: site", `X-Length: ${length}`]);
  ask("GET", 2);
  expect(await client.until("\r\n\r\n12")).toMatch(/\r\n\r\n12$/);
  ask("PUT", 100);
  await client.until("304 Not Modified");
  ask("GET", 9);
  expect(await client.untilEnd()).toMatch(/\r\n\r\n12345$/);
});

test.each([
  ["X-Forwarded-Proto: https", "https://site/run"],
  ['Forwarded: for=1.2.3.4;proto="https", proto=http', "https://site/run"],
  ["X-Forwarded-Proto: gopher", "http://site/run"],
])("%s says what the client's URL was", async (header, url) => {
  const { url: siteUrl } = await actionSite(`return new Response(request.url + ".");`);
  const client = await RawConnection.open(siteUrl);
  client.send(["GET /run HTTP/1.1", "Host: site", header, "Connection: close"]);
  expect(await client.untilEnd()).toContain(`${url}.`);
});

test.each([
  ["Host: site:8080", "http://site:8080/run"],
  ["Host: site/elsewhere", "http://site/run"],
  ["Host: site?elsewhere=", "http://site/run"],
  ["Host: no name", "http://localhost/run"],
])("%s names the host of the URL, not its path", async (header, seen) => {
  const { url } = await actionSite(`return new Response(request.url + ".");`);
  const client = await RawConnection.open(url);
  client.send(["GET /run HTTP/1.1", header, "Connection: close"]);
  expect(await client.untilEnd()).toContain(`${seen}.`);
});

test("a request that names no host has the URL of the port", async () => {
  const { url } = await actionSite(`return new Response(request.url + ".");`);
  for (const head of [["GET /run HTTP/1.0"], ["GET /run HTTP/1.1", "Host: ", "Connection: close"]]) {
    const client = await RawConnection.open(url);
    client.send(head);
    expect(await client.untilEnd()).toContain(`${url}/run.`);
  }
});

test.each(["websocket", "h2c"])("an offer to change to %s is ignored", async (protocol) => {
  const { url } = await actionSite(`return new Response("plain");`);
  const client = await RawConnection.open(url);
  client.send(["GET /run HTTP/1.1", "Host: site", "Connection: Upgrade", `Upgrade: ${protocol}`]);
  expect(await client.until("plain")).toMatch(/^HTTP\/1\.1 200 /);
  client.cut();
});

test("requests sent at once over one connection are answered in their order", async () => {
  const { gates, url } = await actionSite(
    `const text = await request.text(); if (text === "first") await door("first"); return new Response(text + "!");`,
  );
  const client = await RawConnection.open(url);
  const post = (text: string): void =>
    client.send(["POST /run HTTP/1.1", "Host: site", `Content-Length: ${text.length}`], text);
  for (const text of ["first", "second", "third"]) post(text);
  await gates.reached("first");
  gates.open("first");
  const answers = await client.until("third!");
  expect(answers.match(/first!|second!|third!/g)).toEqual(["first!", "second!", "third!"]);
  client.cut();
});

test("of two hundred streams at once 64 are live, and the others follow as these end", async () => {
  const { gates, url } = await actionSite(
    `const n = await request.text();
     void (async () => { await write("begun"); await door("finish"); await write(" " + n); await writer.close(); })();
     return new Response(readable);`,
    { limits: { maxWaitMs: 60_000 } },
  );
  let begun = 0;
  const reachedLimit = Promise.withResolvers<void>();
  const texts = Array.from({ length: 200 }, async (_, n) => {
    const response = await fetch(`${url}/run`, { method: "POST", body: String(n) });
    if (++begun === 64) reachedLimit.resolve();
    return await response.text();
  });
  await reachedLimit.promise;
  await gates.reached("finish");
  expect(begun).toBe(64);
  gates.open("finish");
  expect(await Promise.all(texts)).toEqual(Array.from({ length: 200 }, (_, n) => `begun ${n}`));
});

test("a client that leaves while it waits in line costs no run", async () => {
  const { actions, gates, url } = await actionSite(
    `const text = await request.text(); if (text === "first") await door("first"); return new Response(text);`,
    { limits: { concurrent: 1, maxWaitMs: 60_000 } },
  );
  const post = (text: string): Promise<Response> => fetch(`${url}/run`, { method: "POST", body: text });
  const first = post("first");
  await gates.reached("first");
  const waiting = await RawConnection.open(url);
  waiting.send(["POST /run HTTP/1.1", "Host: site", "Content-Length: 4"], "left");
  const closed = once(waiting.socket, "close");
  waiting.reset();
  await closed;
  // Answered without a place in line, each in a turn of the server's own: it has noticed by then.
  for (let turn = 0; turn < 5; turn++)
    expect((await fetch(`${url}/run`, { method: "PROPFIND" })).status).toBe(405);
  // In line behind it: served means that its turn has come and gone.
  const last = post("last");
  gates.open("first");
  expect(await Promise.all([first, last].map(async (answer) => (await answer).text()))).toEqual([
    "first",
    "last",
  ]);
  expect(await Promise.all([actions.nextCompletion(), actions.nextCompletion()])).toHaveLength(2);
  expect(actions.completions).toHaveLength(2);
});

test("a client that does not read is cut off before it costs the thread its memory, and its action is not disturbed", async () => {
  const { actions, url } = await actionSite(
    `const piece = "x".repeat(1_000_000);
     void (async () => { for (let n = 0; n < 18; n++) await write(piece); await writer.close(); })();
     return new Response(readable);`,
    { limits: { maxUnreadBytes: 2_000_000 } },
  );
  const client = await RawConnection.open(url);
  client.socket.pause();
  client.send(["GET /run HTTP/1.1", "Host: site"]);
  expect(await actions.nextCompletion()).toMatchObject({ error: null });
  expect(actions.logs).toEqual([
    expect.stringMatching(/A client was cut off: \d+ bytes .* 2000000 are kept for all/),
  ]);
  client.socket.resume();
  expect((await client.untilEnd()).length).toBeLessThan(18_000_000);
});
