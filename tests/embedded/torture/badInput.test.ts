/**
 * Ten thousand inputs that no client of good will sends: a clear refusal for each, and nobody else notices. Long, because
 * all of them go to one deployment, whose memory is watched throughout.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { ConvexClient } from "convex/browser";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type EmbeddedReady, spawnEmbedded } from "../../support/embeddedDeployment.ts";
import { connectClient, watchBoard } from "../../support/liveNotes.ts";
import { createNotesApp, notes, type NotesApp } from "../../support/notesApp.ts";
import type { StartingService } from "../../support/serviceProcess.ts";
import { attackHttp, isFault, isIgnored, sendTrain } from "../../support/torture/attacks.ts";
import { badFramings, frame, opcodes } from "../../support/torture/badFrames.ts";
import { badRequest, smuggling } from "../../support/torture/badHttp.ts";
import { badMessages, giantQuerySet, restlessQuerySet } from "../../support/torture/badMessages.ts";
import { openDice, type Dice } from "../../support/torture/dice.ts";
import {
  plannedCall,
  plannedEcho,
  requestTrain,
  trainFaults,
  type Planner,
} from "../../support/torture/requestTrains.ts";
import {
  attackFraming,
  attackSession,
  openRawSync,
  upgradeRequest,
} from "../../support/torture/syncAttack.ts";
import { Tally } from "../../support/torture/tally.ts";
import { connectFrame, openSyncSocket } from "../../support/syncSocket.ts";

vi.setConfig({ testTimeout: 240_000 });

const megabyte = 1024 * 1024;
const atOnce = 16;

let app: NotesApp;
let service: StartingService<EmbeddedReady>;
let deployment: EmbeddedReady;
let dice: Dice;
let bystander: ConvexClient;
let startRss: number;

beforeAll(async () => {
  app = createNotesApp();
  service = spawnEmbedded(`${app.folder}/data`, 0, 0);
  deployment = await service.ready;
  await app.push(deployment);
  dice = openDice("bad input");
  bystander = connectClient(deployment.url);
  await writeAndRead("before");
  startRss = residentBytes();
});

afterAll(async () => {
  await bystander.close();
  await service.end("SIGTERM");
  app.remove();
});

afterEach(async () => {
  if (service.said.length > 0) throw new Error(`The deployment said:\n${service.said.join("\n")}`);
  await writeAndRead(`after ${expect.getState().currentTestName}`);
  await vi.waitUntil(() => residentBytes() - startRss < 400 * megabyte, { timeout: 20_000 });
});

/** A client of good will writes, and sees what it wrote. */
async function writeAndRead(board: string): Promise<void> {
  await bystander.mutation(notes.add, { board, text: "seen" });
  const seen = watchBoard(bystander, board);
  await seen.reached((texts) => texts.includes("seen"));
}

/** Of the deployment's process, which is the same one all the time. */
function residentBytes(): number {
  const pages = readFileSync(`/proc/${service.pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

/** Some attacks at once; a bystander's mutation goes between them. Each says what was wrong with it, in sentences. */
async function attack(count: number, one: () => Promise<string[]>): Promise<string[]> {
  const faults: string[] = [];
  let left = count;
  const attacker = async (): Promise<void> => {
    while (left > 0) {
      const number = left--;
      faults.push(...(await one()));
      if (number % 250 === 0) await writeAndRead(`${number} left`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, attacker));
  return faults;
}

function excerpt(bytes: Buffer | string): string {
  return JSON.stringify(bytes.toString().slice(0, 600));
}

async function attackWithBadRequest(url: string, tally: Tally): Promise<string[]> {
  const bytes = badRequest(dice);
  const answer = await attackHttp(url, bytes);
  tally.count(answer.kind === "status" ? String(answer.status) : answer.kind);
  const isWrong = isFault(answer) || isIgnored(answer, bytes);
  return isWrong ? [`${JSON.stringify(answer)} to ${excerpt(bytes)}`] : [];
}

test("3,500 bad requests to the deployment port", async () => {
  const tally = new Tally();
  expect(await attack(3_500, () => attackWithBadRequest(deployment.url, tally))).toEqual([]);
  const floors = { 200: 30, 400: 1_000, 401: 80, 404: 150, 405: 100, 431: 20 };
  expect(tally.tooRare(floors)).toEqual([]);
});

test("2,000 bad requests to the site port", async () => {
  const tally = new Tally();
  expect(await attack(2_000, () => attackWithBadRequest(deployment.siteUrl, tally))).toEqual([]);
  const floors = { 200: 5, 400: 400, 404: 300, 405: 20, 431: 10 };
  expect(tally.tooRare(floors)).toEqual([]);
});

test.each<[string, () => string, Planner, Record<string, number>]>([
  ["deployment", () => deployment.url, plannedCall, { 200: 300, 400: 100, 401: 15, 404: 30, 405: 30 }],
  ["site", () => deployment.siteUrl, plannedEcho, { 200: 300, 404: 200, 405: 100 }],
])(
  "400 trains of requests to the %s port, in pieces and with cut ends: each request has its own answer",
  async (_port, url, plan, floors) => {
    const tally = new Tally();
    const one = async (): Promise<string[]> => {
      const train = requestTrain(dice, plan);
      const answers = await sendTrain(url(), train);
      for (const { status } of answers ?? []) tally.count(String(status));
      if (answers !== undefined && !train.isCut) tally.count(`${answers.length} answers in a row`);
      if (train.isCut) tally.count("cut");
      return trainFaults(train, answers);
    };
    expect(await attack(400, one)).toEqual([]);
    expect(tally.tooRare({ ...floors, "3 answers in a row": 15, "5 answers in a row": 5, cut: 8 })).toEqual(
      [],
    );
  },
);

test("3,000 sessions of odd sync messages are answered in all they ask, or ended with a reason", async () => {
  const tally = new Tally();
  const one = async (): Promise<string[]> => {
    const messages = badMessages(dice);
    const { told, closeCode, isHeard, faults } = await attackSession(deployment.url, messages);
    tally.count(isHeard ? "heard to the end" : `closed with ${closeCode}`);
    for (const [type, times] of Object.entries(told)) tally.count(type, times);
    return faults.map((fault) => `${fault}: ${excerpt(Buffer.concat(messages))}`);
  };
  expect(await attack(3_000, one)).toEqual([]);
  const floors = {
    "heard to the end": 500,
    "closed with 1008": 300,
    AuthError: 10,
    MutationResponse: 1_000,
    ActionResponse: 100,
    Transition: 800,
  };

  expect(tally.tooRare(floors)).toEqual([]);
});

test("bytes that are no frames end the connection with the code that says what they are", async () => {
  const tally = new Tally();
  const names = Object.keys(badFramings);
  const one = async (): Promise<string[]> => {
    const name = dice.pick(names);
    const { make, closedWith } = badFramings[name]!;
    tally.count(name);
    const { closeCode, faults } = await attackFraming(deployment.url, make(dice));
    return closedWith.includes(closeCode) ? faults : [`${name}: closed with ${closeCode}`, ...faults];
  };
  expect(await attack(500, one)).toEqual([]);
  expect(tally.tooRare(Object.fromEntries(names.map((name) => [name, 1])))).toEqual([]);
});

test("shapes of request smuggling are refused or read as one request", async () => {
  const ports = [deployment.url, deployment.siteUrl];
  const attacks = ports.flatMap((url) => smuggling.map((bytes) => ({ url, bytes })));
  const answers = await Promise.all(
    attacks.map(async ({ url, bytes }) => ({ url, bytes, answer: await attackHttp(url, bytes) })),
  );
  expect(answers.filter(({ answer }) => isFault(answer))).toEqual([]);
});

test("a body that unpacks to a gigabyte is refused before it has", async () => {
  const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
  const bomb = brotliCompressSync(Buffer.alloc(1024 * megabyte), fast);
  const zipped = gzipSync(Buffer.alloc(256 * megabyte));
  for (const [encoding, body] of [
    ["br", bomb],
    ["gzip", zipped],
  ] as const) {
    const response = await fetch(`${deployment.url}/api/query`, {
      method: "POST",
      body: new Uint8Array(body),
      headers: { "Content-Type": "application/json", "Content-Encoding": encoding },
    });
    expect([encoding, response.status, await response.text()]).toEqual([
      encoding,
      400,
      expect.stringContaining("length limit exceeded"),
    ]);
  }
});

test("a batch of more queries than may hold up the others is refused", async () => {
  const queries = Array.from({ length: 20_000 }, () => ({ path: "notes:list", args: { board: "x" } }));
  const response = await fetch(`${deployment.url}/api/query_batch`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ queries }),
  });
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("20000 queries")]);
});

test("a giant query set ends its own session only", async () => {
  for (const [sameId, ending] of [
    [true, { isHeard: true, closeCode: 1000 }],
    [false, { isHeard: false, closeCode: 1008, told: { FatalError: 1 } }],
  ] as const) {
    const outcome = await attackSession(deployment.url, giantQuerySet(50_000, sameId));
    expect(outcome).toMatchObject({ ...ending, faults: [] });
  }
});

test("a query set that is changed faster than its queries run is told as it is in the end", async () => {
  const outcome = await attackSession(deployment.url, restlessQuerySet(5_000));
  expect(outcome).toMatchObject({ isHeard: true, closeCode: 1000, faults: [] });
});

/** Highest growth of memory while something goes on. */
async function peakGrowth(work: () => Promise<unknown>): Promise<number> {
  const before = residentBytes();
  let peak = before;
  const look = setInterval(() => (peak = Math.max(peak, residentBytes())), 20);
  await work().finally(() => clearInterval(look));
  return (Math.max(peak, residentBytes()) - before) / megabyte;
}

test("a body in pieces of one byte takes no more memory than another", async () => {
  const head =
    "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
  const pieces = "1\r\nx\r\n".repeat(megabyte);
  const grown = await peakGrowth(async () => {
    expect(isFault(await attackHttp(deployment.url, `${head}${pieces}0\r\n\r\n`))).toBe(false);
  });
  expect(grown).toBeLessThan(200);
});

test("pings of a client that reads none of their answers are not kept", async () => {
  const socket = await openRawSync(deployment.url);
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame(opcodes.ping, Buffer.alloc(125))));
  const grown = await peakGrowth(async () => {
    for (let sent = 0; sent < 200 && !socket.destroyed; sent++) await written(socket, pings);
  });
  socket.destroy();
  expect(grown).toBeLessThan(120);
});

test("the names of functions that are not there are not kept", async () => {
  const grown = await peakGrowth(async () => {
    const call = (path: string) =>
      fetch(`${deployment.url}/api/query`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ path, args: {} }),
      });
    for (let count = 0; count < 300; count++)
      expect((await call(`m${count}${"x".repeat(megabyte)}:f`)).status).toBeLessThan(500);
  });
  expect(grown).toBeLessThan(200);
});

/** Resolves when the socket takes more, or is gone. */
async function written(socket: Socket, bytes: Buffer): Promise<void> {
  if (socket.write(bytes) || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}

test("thousands of connections that say nothing or not all leave room for others", async () => {
  const beginnings = [
    "",
    "GET /ver",
    "POST /api/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
    upgradeRequest,
  ];
  const urls = [deployment.url, deployment.siteUrl];
  const sockets = Array.from({ length: 2_000 }, (_, index) => {
    const { hostname, port } = new URL(urls[index % urls.length]!);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined); // the server may cut it
    socket.write(beginnings[index % beginnings.length]!);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  await expect(writeAndRead("beside thousands")).resolves.toBeUndefined();
  for (const socket of sockets) socket.destroy();
});

test("a session id in use by two sockets at once applies each mutation once", async () => {
  const sockets = [await openSyncSocket(deployment.url), await openSyncSocket(deployment.url)];
  const count = 50;
  for (const socket of sockets) socket.send(connectFrame("1f7e3c1e-0000-4000-8000-0000000000bb"));
  for (let requestId = 0; requestId < count; requestId++) {
    const mutation = {
      type: "Mutation",
      requestId,
      udfPath: "notes:add",
      args: [{ board: "twice", text: `${requestId}` }],
    };
    for (const socket of sockets) socket.send(mutation);
  }
  for (const socket of sockets) {
    for (let answers = 0; answers < count; answers++)
      expect((await socket.next("MutationResponse"))["success"]).toBe(true);
    socket.close();
  }
  const texts = await bystander.query(notes.list, { board: "twice" });
  expect(texts).toHaveLength(count);
});
