/** The graceful end: what runs may end, nothing new is begun, and the state on disk is right. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import type { EmbeddedReady } from "../../support/embeddedDeployment.ts";
import { createNotesApp, notes } from "../../support/notesApp.ts";
import { RawConnection } from "../../support/rawHttp.ts";
import { rootFolder } from "../../support/serviceProcess.ts";

/** An app whose actions wait until the test opens a gate of its own: a server that holds each request until then. */
const gated = `
  import { v } from "convex/values";
  import { internal } from "./_generated/api.js";
  import { action, internalAction, mutation, query } from "./_generated/server.js";
  const pass = async (gate: string): Promise<string> => await (await fetch(gate)).text();
  export const wait = action({ args: { gate: v.string() }, handler: async (ctx, { gate }): Promise<string> => {
    const word = await pass(gate);
    await ctx.runMutation(internal.notes.addScheduled, { board: "gate", text: word });
    return word;
  } });
  export const scheduled = internalAction({ args: { gate: v.string() }, handler: async (_ctx, { gate }): Promise<void> => {
    await pass(gate);
  } });
  export const schedule = mutation({ args: { gate: v.string() }, handler: async (ctx, { gate }): Promise<void> => {
    await ctx.scheduler.runAfter(0, internal.gated.scheduled, { gate });
    await ctx.scheduler.runAfter(0, internal.gated.scheduled, { gate });
  } });
  export const states = query({ args: {}, handler: async (ctx): Promise<string[]> =>
    (await ctx.db.system.query("_scheduled_functions").collect()).map((job) => job.state.kind) });
`;
const wait = reference<"action", { gate: string }, string>("gated:wait");
const schedule = reference<"mutation", { gate: string }>("gated:schedule");
const states = reference<"query", Record<string, never>, string[]>("gated:states");

const streaming = `
  import { httpRouter } from "convex/server";
  import { httpAction } from "./_generated/server.js";
  const http = httpRouter();
  http.route({ path: "/stream", method: "GET", handler: httpAction(async (_ctx, request) => {
    const gate = new URL(request.url).searchParams.get("gate") ?? "";
    const encoder = new TextEncoder();
    return new Response(new ReadableStream({
      async start(controller) {
        controller.enqueue(encoder.encode("first "));
        controller.enqueue(encoder.encode(await (await fetch(gate)).text()));
        controller.close();
      },
    }));
  }) });
  export default http;
`;

interface Gate {
  url: string;
  /** How many wait at it. */
  waiting: () => number;
  open: () => void;
}

async function newGate(): Promise<Gate> {
  const held: (() => void)[] = [];
  const server = createServer((_request, response) => held.push(() => response.end("passed")));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    waiting: () => held.length,
    open: () => {
      for (const release of held.splice(0)) release();
    },
  };
}

interface Running {
  ready: EmbeddedReady;
  signal: () => void;
  stderr: () => string;
  ended: Promise<number | null>;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "stop-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function start(dataFolder: string, ...options: string[]): Promise<Running> {
  const where = ["--data", dataFolder, "--port", "0", "--site-port", "0", ...options];
  const child = spawn(process.execPath, ["embedded/main.ts", ...where], { cwd: rootFolder });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString("utf8")));
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return {
    ready: JSON.parse(line.slice(line.indexOf("{"))) as EmbeddedReady,
    signal: () => void child.kill("SIGTERM"),
    stderr: () => stderr,
    ended,
  };
}

async function startGated(dataFolder: string, ...options: string[]): Promise<Running> {
  const running = await start(dataFolder, ...options);
  const app = createNotesApp();
  onTestFinished(app.remove);
  app.writeFile("convex/gated.ts", gated);
  app.writeFile("convex/http.ts", streaming);
  await app.push(running.ready);
  return running;
}

test("actions and streams that run may end; the progress is told, and their effects are there afterwards", async () => {
  const dataFolder = newFolder();
  const running = await startGated(dataFolder, "--stop-seconds", "60");
  const gate = await newGate();
  const { url, siteUrl } = running.ready;
  const socket = new ConvexClient(url);
  onTestFinished(() => void socket.close());
  const overSocket = socket.action(wait, { gate: gate.url });
  const overHttp = new ConvexHttpClient(url, { logger: false }).action(wait, { gate: gate.url });
  const stream = await fetch(`${siteUrl}/stream?gate=${encodeURIComponent(gate.url)}`);
  await expect.poll(gate.waiting).toBe(3);

  running.signal();
  await expect
    .poll(running.stderr)
    .toContain("Stopping: 3 actions and 1 requests may end within 60 s. A second signal ends them at once.");
  gate.open();
  expect([await overSocket, await overHttp, await stream.text()]).toEqual([
    "passed",
    "passed",
    "first passed",
  ]);
  expect(await running.ended).toBe(0);

  const again = await start(dataFolder);
  const client = new ConvexHttpClient(again.ready.url, { logger: false });
  expect(await client.query(notes.list, { board: "gate" })).toEqual(["passed", "passed"]);
});

test("nothing new is begun while it stops: new connections are refused, requests on open ones get a 503", async () => {
  const running = await startGated(newFolder(), "--stop-seconds", "60", "--log-level", "debug");
  const gate = await newGate();
  const { url, siteUrl } = running.ready;
  const body = JSON.stringify({ path: "gated:wait", args: { gate: gate.url }, format: "json" });
  const connection = await RawConnection.open(url);
  const head = ["Host: 127.0.0.1", "Content-Type: application/json"];
  connection.send(["POST /api/action HTTP/1.1", ...head, `Content-Length: ${body.length}`], body);
  await expect.poll(gate.waiting).toBe(1);
  running.signal();
  await expect.poll(running.stderr).toContain("Stopping: 1 actions and 1 requests");

  await expect(fetch(`${url}/version`)).rejects.toThrow("fetch failed");
  await expect(fetch(`${siteUrl}/stream`)).rejects.toThrow("fetch failed");
  connection.send(["GET /version HTTP/1.1", "Host: 127.0.0.1"]);
  await expect.poll(running.stderr).toContain("GET /version is refused");
  gate.open();
  // Answers come in the order of their requests.
  const answers = await connection.until("The deployment is stopping. Try again in a moment.");
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 503"]);
  expect(await running.ended).toBe(0);
});

test("the site port, too, answers a request on an open connection with a 503 while it stops", async () => {
  const running = await startGated(newFolder(), "--stop-seconds", "60");
  const gate = await newGate();
  const connection = await RawConnection.open(running.ready.siteUrl);
  const path = `/stream?gate=${encodeURIComponent(gate.url)}`;
  connection.send([`GET ${path} HTTP/1.1`, "Host: site"]);
  await expect.poll(gate.waiting).toBe(1);
  running.signal();
  await expect.poll(running.stderr).toContain("Stopping: 1 actions");
  // Taken when the stream before it has ended: answers come in the order of their requests.
  connection.send(["GET /stream HTTP/1.1", "Host: site"]);
  gate.open();
  const answers = await connection.untilEnd();
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 503"]);
  expect(answers).toContain("The deployment is stopping. Try again in a moment.");
  expect(await running.ended).toBe(0);
});

test("a second signal ends at once what the first let run, and what was acknowledged is on disk", async () => {
  const dataFolder = newFolder();
  const running = await startGated(dataFolder, "--stop-seconds", "3600");
  const gate = await newGate();
  const client = new ConvexHttpClient(running.ready.url, { logger: false });
  await client.mutation(notes.add, { board: "kept", text: "acknowledged" });
  const lost = client.action(wait, { gate: gate.url }).catch((error: Error) => error.message);
  await expect.poll(gate.waiting).toBe(1);
  running.signal();
  await expect.poll(running.stderr).toContain("A second signal ends them at once.");
  // Signals within a second are one: npm and the terminal both pass on a Ctrl-C. So each is repeated until one counts.
  const repeat = setInterval(running.signal, 100);
  onTestFinished(() => clearInterval(repeat));
  expect(await running.ended).toBe(1);
  expect(await lost).toBe("fetch failed");
  const again = await start(dataFolder);
  expect(await new ConvexHttpClient(again.ready.url).query(notes.list, { board: "kept" })).toEqual([
    "acknowledged",
  ]);
});

test("what does not end in time is ended, and a scheduled action has failed at the next start", async () => {
  const dataFolder = newFolder();
  const running = await startGated(dataFolder, "--stop-seconds", "0.2");
  const gate = await newGate();
  const client = new ConvexHttpClient(running.ready.url, { logger: false });
  await client.mutation(schedule, { gate: gate.url });
  await expect.poll(gate.waiting).toBe(2);
  running.signal();
  expect(await running.ended).toBe(0);
  expect(running.stderr()).toContain("Stopping although 2 actions and 0 requests have not ended.");
  const again = await start(dataFolder);
  expect(await new ConvexHttpClient(again.ready.url).query(states, {})).toEqual(["failed", "failed"]);
});

test("a client is connected again to the deployment that follows, and its mutation is made once", async () => {
  const dataFolder = newFolder();
  const running = await startGated(dataFolder, "--stop-seconds", "60");
  const gate = await newGate();
  const { url, siteUrl } = running.ready;
  const socket = new ConvexClient(url);
  onTestFinished(() => void socket.close());
  const seen: string[][] = [];
  socket.onUpdate(notes.list, { board: "kept" }, (texts) => void seen.push(texts));
  const action = socket.action(wait, { gate: gate.url });
  await expect.poll(gate.waiting).toBe(1);
  running.signal();
  await expect.poll(running.stderr).toContain("Stopping: 1 actions");
  // Sent while it stops: not taken any more, and sent again to the next one.
  const added = socket.mutation(notes.add, { board: "kept", text: "once" });
  gate.open();
  await action;
  await running.ended;

  await start(dataFolder, "--port", new URL(url).port, "--site-port", new URL(siteUrl).port);
  await added;
  await expect.poll(() => seen.at(-1)).toEqual(["once"]);
}, 30_000);
