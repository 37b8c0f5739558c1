/** Ten thousand inputs that no client of good will sends: a clear refusal for each, and nobody else notices. */
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { ConvexClient } from "convex/browser";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type EmbeddedReady, spawnEmbedded } from "../../support/embeddedDeployment.ts";
import { connectClient, watchBoard } from "../../support/liveNotes.ts";
import { createNotesApp, notes, type NotesApp } from "../../support/notesApp.ts";
import type { StartingService } from "../../support/serviceProcess.ts";
import { attackHttp, attackSync, isFault, openRawSync, type Answer } from "../../support/torture/attacks.ts";
import { badFrames, badMessages, frame, giantQuerySet, opcodes } from "../../support/torture/badFrames.ts";
import { badRequest, smuggling } from "../../support/torture/badHttp.ts";
import { openDice, type Dice } from "../../support/torture/dice.ts";
import { connectFrame } from "../../support/syncSocket.ts";

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
  await useNormally("before");
  startRss = residentBytes();
});

afterAll(async () => {
  await bystander.close();
  await service.end("SIGTERM");
  app.remove();
});

afterEach(async () => {
  expect(service.said).toEqual([]);
  await useNormally(`after ${expect.getState().currentTestName}`);
  await expect.poll(() => residentBytes() - startRss, { timeout: 20_000 }).toBeLessThan(400 * megabyte);
});

/** A client of good will writes, and sees what it wrote. */
async function useNormally(board: string): Promise<void> {
  await bystander.mutation(notes.add, { board, text: "seen" });
  const seen = watchBoard(bystander, board);
  await seen.reached((texts) => texts.includes("seen"));
}

/** Of the deployment's process, which is the same one all the time. */
function residentBytes(): number {
  const pages = readFileSync(`/proc/${service.pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}

/** Some attacks at once; a bystander's mutation goes between them. Returns those that were not answered as they should be. */
async function attack(
  count: number,
  next: () => Buffer | string,
  send: (bytes: Buffer | string) => Promise<Answer>,
): Promise<string[]> {
  const faults: string[] = [];
  let left = count;
  const attacker = async (): Promise<void> => {
    while (left > 0) {
      const number = left--;
      const bytes = next();
      const answer = await send(bytes);
      if (isFault(answer)) faults.push(`${JSON.stringify(answer)} to ${excerpt(bytes)}`);
      if (number % 250 === 0) await useNormally(`${number} left`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, attacker));
  return faults;
}

function excerpt(bytes: Buffer | string): string {
  return JSON.stringify(bytes.toString().slice(0, 600));
}

test("3,500 bad requests to the deployment port", { timeout: 120_000 }, async () => {
  expect(
    await attack(
      3_500,
      () => badRequest(dice),
      (bytes) => attackHttp(deployment.url, bytes),
    ),
  ).toEqual([]);
});

test("2,000 bad requests to the site port", { timeout: 120_000 }, async () => {
  expect(
    await attack(
      2_000,
      () => badRequest(dice),
      (bytes) => attackHttp(deployment.siteUrl, bytes),
    ),
  ).toEqual([]);
});

test("4,000 sequences of bad sync messages", { timeout: 120_000 }, async () => {
  const messages = (): Buffer => Buffer.concat(badMessages(dice).map((text) => frame(opcodes.text, text)));
  expect(await attack(4_000, messages, (bytes) => attackSync(deployment.url, bytes as Buffer))).toEqual([]);
});

test("500 sequences of bytes that are no frames", { timeout: 120_000 }, async () => {
  expect(
    await attack(
      500,
      () => badFrames(dice),
      (bytes) => attackSync(deployment.url, bytes as Buffer),
    ),
  ).toEqual([]);
});

test("shapes of request smuggling are refused or read as one request", async () => {
  for (const url of [deployment.url, deployment.siteUrl]) {
    for (const bytes of smuggling)
      expect([bytes, isFault(await attackHttp(url, bytes))]).toEqual([bytes, false]);
  }
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
      headers: { "Content-Encoding": encoding },
    });
    expect([encoding, response.status]).toEqual([encoding, 413]);
  }
});

test("a giant query set ends its own session only", async () => {
  for (const sameId of [true, false]) {
    const bytes = Buffer.concat(giantQuerySet(50_000, sameId).map((text) => frame(opcodes.text, text)));
    expect(isFault(await attackSync(deployment.url, bytes))).toBe(false);
  }
});

/** Highest growth of memory while something goes on. */
async function peakGrowth(work: () => Promise<unknown>): Promise<number> {
  const before = residentBytes();
  let peak = before;
  const look = setInterval(() => (peak = Math.max(peak, residentBytes())), 20);
  await work();
  clearInterval(look);
  return (Math.max(peak, residentBytes()) - before) / megabyte;
}

test.each(["deployment", "site"])(
  "a body in pieces of one byte takes no more memory than another, at the %s port",
  async (port) => {
    const url = port === "site" ? deployment.siteUrl : deployment.url;
    const path = port === "site" ? "/echo" : "/api/query";
    const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    const body = Buffer.from("1\r\nx\r\n".repeat(megabyte));
    const grown = await peakGrowth(async () => {
      const answer = await attackHttp(
        url,
        Buffer.concat([Buffer.from(head), body, Buffer.from("0\r\n\r\n")]),
      );
      expect(isFault(answer)).toBe(false);
    });
    expect(grown).toBeLessThan(150);
  },
);

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
      fetch(`${deployment.url}/api/query`, { method: "POST", body: JSON.stringify({ path, args: {} }) });
    for (let count = 0; count < 300; count++)
      expect((await call(`m${count}${"x".repeat(megabyte)}:f`)).status).toBeLessThan(500);
  });
  expect(grown).toBeLessThan(200);
});

test("a client that sends faster than it is served waits", async () => {
  const socket = await openRawSync(deployment.url);
  socket.on("data", () => undefined);
  socket.write(
    frame(opcodes.text, Buffer.from(JSON.stringify(connectFrame("1f7e3c1e-0000-4000-8000-0000000000aa")))),
  );
  const grown = await peakGrowth(async () => {
    for (let requestId = 0; requestId < 150 && !socket.destroyed; requestId++) {
      const mutation = {
        type: "Mutation",
        requestId,
        udfPath: "notes:add",
        args: [{ board: "flood", text: "x".repeat(4 * megabyte) }],
      };
      await written(socket, frame(opcodes.text, Buffer.from(JSON.stringify(mutation))));
    }
  });
  socket.destroy();
  expect(grown).toBeLessThan(500);
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
