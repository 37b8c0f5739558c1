/** Bodies of requests at the site port that come slowly, without end, or not at all. */
import { expect, onTestFinished, test } from "vitest";
import type { ActionLimits } from "../../../embedded/actions/threadMessages.ts";
import { startActions } from "../../support/actionPoolFixture.ts";
import { RawConnection } from "../../support/rawHttp.ts";

/** The URL of a site that answers POST /run with its body. */
async function echo(limits: Partial<ActionLimits>): Promise<string> {
  const { pool } = await startActions(
    {
      "http.ts": `import { httpRouter, httpActionGeneric as httpAction } from "convex/server";
        const http = httpRouter();
        const handler = httpAction(async (_: any, request: Request) => new Response(await request.text()));
        http.route({ path: "/run", method: "POST", handler });
        export default http;`,
    },
    { limits, routes: [{ method: "POST", path: "/run" }] },
  );
  onTestFinished(() => pool.close());
  return pool.localUrl;
}

test("a body that says nothing of its length is refused as soon as it is too large", async () => {
  const url = await echo({ maxRequestBytes: 10 });
  const client = await RawConnection.open(url);
  client.send(["POST /run HTTP/1.1", "Host: site", "Transfer-Encoding: chunked"], "b\r\n12345678901\r\n");
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 413 /);
});

test("a body that makes no progress is refused", async () => {
  const url = await echo({ maxBodyIdleMs: 20 });
  const client = await RawConnection.open(url);
  client.send(["POST /run HTTP/1.1", "Host: site", "Content-Length: 1000"], "x");
  const answer = await client.untilEnd();
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain("no progress for 20 ms");
});

test("a body whose pieces come too slowly altogether is refused", async () => {
  const url = await echo({ maxBodyIdleMs: 30_000, maxBodyWaitMs: 20 });
  const client = await RawConnection.open(url);
  client.send(["POST /run HTTP/1.1", "Host: site", "Transfer-Encoding: chunked"], "1\r\nx\r\n");
  const trickle = setInterval(() => client.socket.write("1\r\nx\r\n"), 1);
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408 /);
  clearInterval(trickle);
});

test("a sender that stopped holds its slot no longer than its body is waited for", async () => {
  const url = await echo({ concurrent: 1, concurrentInner: 0, maxBodyIdleMs: 20 });
  const slow = await RawConnection.open(url);
  slow.send(["POST /run HTTP/1.1", "Host: site", "Content-Length: 4"], "s");
  expect(await (await fetch(`${url}/run`, { method: "POST", body: "quick" })).text()).toBe("quick");
});
