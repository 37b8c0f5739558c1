/** Senders and readers that take their time, and crowds of them. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { OpenWork } from "../../../embedded/openWork.ts";
import { openAdminKey } from "../../../embedded/auth/adminKey.ts";
import type { EngineClient } from "../../../embedded/engineClient.ts";
import { ByteBudget } from "../../../embedded/http/byteBudget.ts";
import { createHttpServer } from "../../../embedded/http/httpServer.ts";
import { readJsonBody } from "../../../embedded/http/requestBody.ts";
import { asDeploymentError, DeploymentError } from "../../../embedded/protocol/deploymentError.ts";
import { RawConnection } from "../../support/rawHttp.ts";

const logged: string[] = [];

async function urlOf(server: ReturnType<typeof createServer>): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = { "Content-Type": "application/json" };
const typed = "Content-Type: application/json";

/** Of a server that a busy machine must not hurry. */
const patient = {
  headMs: 60_000,
  requestMs: 60_000,
  checkEveryMs: 30_000,
  uploadMs: 60_000,
  readerMs: 60_000,
};
const quick = { headMs: 20, requestMs: 40, checkEveryMs: 5, uploadMs: 20, readerMs: 20 };

/** The deployment port with an engine that gives one answer, or one a method; an Error is thrown. */
function impatientServer(
  answer: unknown = null,
  folders = { stored: "", uploads: "", actions: "" },
  patience = quick,
): ReturnType<typeof createHttpServer> {
  const request = (method: string): Promise<unknown> => {
    const given: unknown = answer instanceof Map ? answer.get(method) : answer;
    return given instanceof Error ? Promise.reject(given) : Promise.resolve(given);
  };
  const engine = { request } as unknown as EngineClient;
  return createHttpServer({
    adminKey: openAdminKey("", "test", "key"),
    originRefusal: () => null,
    folders,
    started: Promise.resolve({ engine, identity: { instanceName: "", url: "", siteUrl: "" } }),
    engineSilentMs: () => 0,
    work: new OpenWork(),
    log: (level, message) => {
      if (level !== "debug") logged.push(message);
    },
    patience,
  });
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "patience-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test.each([
  ["a head", "POST /api/query HTTP/1.1\r\nHost: deployment\r\n"],
  ["a body", `POST /api/query HTTP/1.1\r\nHost: deployment\r\n${typed}\r\nContent-Length: 100\r\n\r\n{`],
])("%s that does not end is a 408", async (_what, text) => {
  const client = await RawConnection.open(await urlOf(impatientServer()));
  client.socket.write(text);
  expect(await client.untilEnd()).toMatch(/^HTTP\/1\.1 408 /);
});

test("a reader of a file that takes nothing is cut off", async () => {
  const folder = await newFolder();
  const size = 30_000_000;
  const file = { id: "", uuid: randomUUID(), key: "key", sha256: "", size, contentType: null };
  await writeFile(join(folder, "key"), Buffer.alloc(size));
  const server = impatientServer(
    file,
    { stored: folder, uploads: "", actions: "" },
    { ...patient, readerMs: quick.readerMs },
  );
  server.on("request", (_, response) => response.once("close", () => server.emit("cut")));
  const url = await urlOf(server);
  const head = [`GET /api/storage/${file.uuid} HTTP/1.1`, "Host: deployment", "Connection: close"];

  const idle = await RawConnection.open(url);
  idle.socket.pause();
  idle.send(head);
  const closed = once(idle.socket, "close");
  await once(server, "cut");
  idle.socket.resume();
  await closed;
  expect((await idle.untilEnd()).length).toBeLessThan(size);
  expect(logged).toEqual([]);
});

test("an upload that keeps us waiting is a 408, and nothing of it stays", async () => {
  const uploads = await newFolder();
  const server = impatientServer(
    "",
    { stored: "", uploads, actions: "" },
    { ...patient, uploadMs: quick.uploadMs },
  );
  const client = await RawConnection.open(await urlOf(server));
  client.send(
    ["POST /api/storage/upload?token=any HTTP/1.1", "Host: deployment", "Content-Length: 9"],
    "half",
  );
  const answer = await client.untilEnd();
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(answer).toContain('"code":"UploadTimedOut","message":"The upload took longer than 0.02 seconds.');
  expect(await readdir(uploads)).toEqual([]);
});

test("an upload that the engine did not take leaves nothing", async () => {
  const uploads = await newFolder();
  const answers = new Map<string, unknown>([
    ["componentOfUpload", ""],
    ["storeFile", new DeploymentError("Unavailable", "The engine is started anew.")],
  ]);
  const url = await urlOf(impatientServer(answers, { stored: "", uploads, actions: "" }, patient));
  const response = await fetch(`${url}/api/storage/upload?token=any`, { method: "POST", body: "content" });
  expect(response.status).toBe(503);
  expect(await readdir(uploads)).toEqual([]);
  expect(logged.splice(0)).toHaveLength(1);
});

/** A server that reads bodies within the budget, and a sender of whose 62 bytes 60 have arrived. */
async function halfSent(budget: ByteBudget): Promise<{ url: string; sender: RawConnection }> {
  const server = createServer((request, response) => {
    readJsonBody(request, 80, budget).then(
      (value) => response.end(JSON.stringify(value)),
      (error: unknown) => {
        const { status, message } = asDeploymentError(error);
        response.writeHead(status, { Connection: "close" }).end(message);
      },
    );
  });
  const received = Promise.withResolvers<void>();
  server.once("request", (request) => request.once("data", () => received.resolve()));
  const url = await urlOf(server);
  const sender = await RawConnection.open(url);
  sender.send(["POST / HTTP/1.1", "Host: deployment", typed, "Content-Length: 62"], `"${"x".repeat(59)}`);
  await received.promise;
  return { url, sender };
}

test("bodies that are received at the same time share one budget, and give back what they took", async () => {
  const { url, sender: slow } = await halfSent(new ByteBudget(100));
  const post = (length: number): Promise<Response> =>
    fetch(url, { method: "POST", headers: json, body: JSON.stringify("y".repeat(length - 2)) });
  const refused = await post(41);
  expect([refused.status, await refused.text()]).toEqual([
    429,
    "The bodies of all requests that are being received exceed 100 bytes. Back off and try again.",
  ]);
  expect((await post(40)).status).toBe(200);
  expect((await post(81)).status).toBe(400);
  slow.socket.write(`x"`);
  await slow.until("xxx");
  expect((await post(80)).status).toBe(200);
  slow.cut();
});

test("what a fault of the deployment says goes to its log, and to the caller where to look", async () => {
  const fault = new Error("/data/deployment.sqlite: no such column: secret");
  const url = await urlOf(impatientServer(fault, undefined, patient));
  const response = await fetch(`${url}/api/query_ts`, { method: "POST" });
  const answer = { status: response.status, body: (await response.json()) as unknown };
  const requestId = response.headers.get("Convex-Request-Id") ?? "none";
  expect(answer).toEqual({
    status: 500,
    body: { code: "InternalServerError", message: expect.stringContaining(requestId) as string },
  });
  expect(JSON.stringify(answer)).not.toContain("sqlite");
  expect(logged.join("\n")).toContain("no such column: secret");
});

test("a body whose sender is silent makes room for those that others send", async () => {
  const { url, sender: silent } = await halfSent(new ByteBudget(100, 0));
  const body = JSON.stringify("y".repeat(70));
  expect((await fetch(url, { method: "POST", headers: json, body })).status).toBe(200);
  expect(await silent.until("Back off")).toMatch(/^HTTP\/1\.1 429 /);
  silent.cut();
});
