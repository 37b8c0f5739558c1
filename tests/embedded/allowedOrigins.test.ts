/** `--allow-origin`: which pages of browsers may use the deployment port. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startEmbedded, type EmbeddedReady } from "../support/embeddedDeployment.ts";
import { RawConnection } from "../support/rawHttp.ts";
import type { ServiceProcess } from "../support/serviceProcess.ts";

const ownOrigins = ["http://127.0.0.1:5173", "https://app.example"];

let dataFolder: string;
let running: ServiceProcess<EmbeddedReady>;

beforeAll(async () => {
  dataFolder = mkdtempSync(join(tmpdir(), "allowed-origins-"));
  const options = ownOrigins.flatMap((origin) => ["--allow-origin", origin]);
  running = await startEmbedded(dataFolder, 0, 0, { options });
});

afterAll(async () => {
  await running.end("SIGTERM");
  rmSync(dataFolder, { recursive: true });
});

function callFrom(origin: string | null, method = "POST"): Promise<Response> {
  return fetch(`${running.ready.url}/api/query`, {
    method,
    headers: { "Content-Type": "application/json", ...(origin === null ? {} : { Origin: origin }) },
    ...(method === "POST" ? { body: '{"path":"notes:list","args":{}}' } : {}),
  });
}

/** "open", or the status the upgrade is refused with. */
async function upgradeFrom(origin: string | null): Promise<string | number> {
  const url = `${running.ready.url.replace("http", "ws")}/api/1.48.0/sync`;
  const socket = new WebSocket(url, origin === null ? {} : { origin });
  const refused = once(socket, "unexpected-response").then(
    ([, response]) => (response as { statusCode: number }).statusCode,
  );
  const outcome = await Promise.race([once(socket, "open").then(() => "open"), refused]);
  socket.on("error", () => undefined); // closing one that never opened
  socket.close();
  return outcome;
}

test.each(ownOrigins)("pages of %s call and subscribe", async (origin) => {
  const call = await callFrom(origin);
  expect([call.status, call.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
  const preflight = await callFrom(origin, "OPTIONS");
  expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([200, origin]);
  expect(await upgradeFrom(origin)).toBe("open");
});

test.each(["https://evil.example", "http://127.0.0.1:5174", "null", "https://app.example.evil.example"])(
  "pages of %s are refused with a sentence and get no CORS header",
  async (origin) => {
    for (const method of ["POST", "OPTIONS", "GET"]) {
      const refused = await callFrom(origin, method);
      expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([403, null]);
      expect(await refused.json()).toEqual({
        code: "OriginNotAllowed",
        message: `Pages of ${origin} may not use this deployment: --allow-origin names those that may use it.`,
      });
    }
    expect(await upgradeFrom(origin)).toBe(403);
  },
);

test("programs that are no browsers send no origin and go on", async () => {
  expect((await callFrom(null)).status).toBe(200);
  expect(await upgradeFrom(null)).toBe("open");
});

/** A page whose own name was made to point to this machine is of the same origin to its browser, which sends none. */
test.each([
  ["evil.example:3210", 403],
  ["localhost:3210", 200],
  ["[::1]:3210", 200],
  ["10.0.0.1", 200],
  ["app.example", 200],
])("a call that names the host %s is answered with %s", async (host, status) => {
  const client = await RawConnection.open(running.ready.url);
  client.send(["GET /version HTTP/1.1", `Host: ${host}`, "Connection: close"]);
  expect(await client.untilEnd()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});
