/** Bodies of requests while they are being sent: what the action sees, what the sender notices, what the connection is worth after. */
import { expect, test } from "vitest";
import { actionSite } from "../../support/actionSite.ts";
import { RawConnection } from "../../support/rawHttp.ts";

const chunked = ["POST /run HTTP/1.1", "Host: site", "Transfer-Encoding: chunked"];
const echo = `return new Response(request.body);`;

test("an action begins with the head of its request and answers while the body is being sent", async () => {
  const { url } = await actionSite(echo);
  const client = await RawConnection.open(url);
  client.send(chunked);
  await client.until("\r\n\r\n");
  for (const piece of ["one", "two"]) {
    client.socket.write(`3\r\n${piece}\r\n`);
    expect(await client.until(`3\r\n${piece}\r\n`)).toContain(piece);
  }
  client.socket.write("0\r\n\r\n");
  expect(await client.untilEnd()).toMatch(/3\r\ntwo\r\n0\r\n\r\n$/);
});

test("what an action does not read stays with the sender", async () => {
  const { gates, url } = await actionSite(
    `if (request.method === "GET") return new Response("alive");
     await door("begun");
     return new Response(String((await request.arrayBuffer()).byteLength));`,
  );
  const client = await RawConnection.open(url);
  const size = 18 * 1024 * 1024;
  client.send(["POST /run HTTP/1.1", "Host: site", `Content-Length: ${size}`, "Connection: close"]);
  client.socket.write("x".repeat(size));
  await gates.reached("begun");
  // Each of these is a turn in which the thread would have read on.
  for (let turn = 0; turn < 100; turn++) expect(await (await fetch(`${url}/run`)).text()).toBe("alive");
  expect(client.socket.writableLength).toBeGreaterThan(size / 4);
  gates.open("begun");
  expect(await client.untilEnd()).toContain(String(size));
});

test("a client that leaves in the middle of its body fails the read and aborts the signal, and the action runs on", async () => {
  const { actions, gates, url } = await actionSite(
    `const aborted = new Promise((resolve) => request.signal.addEventListener("abort", resolve));
     await door("begun");
     const error = await request.text().catch((error) => error);
     await aborted;
     await door("failed", error.message);
     return new Response("nobody reads this");`,
  );
  const client = await RawConnection.open(url);
  client.send(chunked, "4\r\nhalf\r\n");
  await gates.reached("begun");
  gates.open("begun");
  client.cut();
  expect(await gates.reached("failed")).toBe("The client went away before its request was complete.");
  gates.open("failed");
  expect((await actions.nextCompletion()).error).toBeNull();
});

test("what is no HTTP in the middle of a body is a 400 at once, and the action runs on", async () => {
  const { actions, gates, url } = await actionSite(
    `const error = await request.text().catch((error) => error);
     await door("failed", error.message);
     return new Response("nobody reads this");`,
  );
  const client = await RawConnection.open(url);
  client.send(chunked, "4\r\nhalf\r\nnonsense\r\n");
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 400 /);
  expect(await gates.reached("failed")).toBe("The client went away before its request was complete.");
  gates.open("failed");
  expect((await actions.nextCompletion()).error).toBeNull();
});

test.each([
  ["unread", `return new Response("answer");`],
  ["read in part", `await request.body!.getReader().read(); return new Response("answer");`],
  ["cancelled", `await request.body!.cancel(); return new Response("answer");`],
])("a small body that was %s leaves the connection for the next request", async (_how, handler) => {
  const { url } = await actionSite(handler);
  const client = await RawConnection.open(url);
  const head = ["POST /run HTTP/1.1", "Host: site", "Content-Length: 10"];
  client.send(head, "first");
  await client.until("answer");
  client.socket.write(" half");
  client.send([...head, "Connection: close"], "0123456789");
  expect((await client.untilEnd()).match(/answer/g)).toHaveLength(2);
});

test("an action that handles the error of a body that is too large answers for itself", async () => {
  const { url } = await actionSite(
    `const error = await request.text().catch((error) => error); return new Response(error.message);`,
    { limits: { maxRequestBytes: 3 } },
  );
  const client = await RawConnection.open(url);
  client.send(chunked, "4\r\nlong\r\n");
  expect(await client.until("limit of HTTP actions.")).toMatch(/^HTTP\/1\.1 200 /);
});

test("a body in crumbs reaches the action in few pieces, and whole", async () => {
  const { url } = await actionSite(
    `let [pieces, bytes] = [0, 0];
     for await (const piece of request.body as any) { pieces += 1; bytes += piece.length; }
     return Response.json({ pieces, bytes });`,
  );
  const client = await RawConnection.open(url);
  const crumbs = 100_000;
  client.send([...chunked, "Connection: close"], `${"1\r\nx\r\n".repeat(crumbs)}0\r\n\r\n`);
  const { pieces, bytes } = JSON.parse(/\{.*\}/.exec(await client.untilEnd())?.[0] ?? "{}") as Record<
    string,
    number
  >;
  expect(bytes).toBe(crumbs);
  expect(pieces).toBeLessThan(crumbs / 20);
});

test("a client that asks before it sends is told to go on when the action reads", async () => {
  const { gates, url } = await actionSite(`await door("begun"); return new Response(await request.text());`);
  const client = await RawConnection.open(url);
  const head = ["POST /run HTTP/1.1", "Host: site", "Content-Length: 4", "Expect: 100-continue"];
  client.send([...head, "Connection: close"]);
  await gates.reached("begun");
  gates.open("begun");
  expect(await client.until("\r\n\r\n")).toBe("HTTP/1.1 100 Continue\r\n\r\n");
  client.socket.write("body");
  expect(await client.untilEnd()).toMatch(/HTTP\/1\.1 200 [^]*body/);
});

test("a client that asks before it sends too much is refused without being told to go on", async () => {
  const { url } = await actionSite(echo);
  const client = await RawConnection.open(url);
  client.send(["POST /run HTTP/1.1", "Host: site", "Content-Length: 30000000", "Expect: 100-continue"]);
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 413 /);
});

test("bytes come through as they are", async () => {
  const { url } = await actionSite(echo);
  const bytes = Uint8Array.from({ length: 500_000 }, (_, index) => (index * 7) % 256);
  const response = await fetch(`${url}/run`, { method: "POST", body: bytes });
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
});
