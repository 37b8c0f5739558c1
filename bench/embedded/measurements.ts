/** What is measured of a deployment, each in a process of its own that holds the clients. Times in ms. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { WebSocket } from "ws";
import type { EmbeddedReady } from "../../tests/support/embeddedDeployment.ts";

export interface Measured {
  deployment: EmbeddedReady;
  /** Memory of the deployment's process that is in use now, in kB. */
  residentKb: () => number;
}

export type Figures = Record<string, number>;

const notes = {
  list: reference<"query", { board: string }, string[]>("notes:list"),
  add: reference<"mutation", { board: string; text: string }, null>("notes:add"),
  runAway: reference<"mutation", Record<string, never>, null>("notes:runAway"),
};

function connect({ deployment }: Measured): ConvexClient {
  return new ConvexClient(deployment.url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
  });
}

/** Resolves when every one of `count` boards has been told, by one client. */
async function watchBoards(client: ConvexClient, count: number, name: string): Promise<void> {
  const told = Array.from({ length: count }, (_, place) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    client.onUpdate(notes.list, { board: `${name} ${place}` }, () => resolve());
    return promise;
  });
  await Promise.all(told);
}

async function timesOf(count: number, run: (index: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const startedAt = performance.now();
    await run(index);
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** One call after the other, beside one client that holds the subscriptions. */
export async function latency(measured: Measured, subscriptions: number): Promise<Figures> {
  const [holder, caller] = [connect(measured), connect(measured)];
  await watchBoards(holder, subscriptions, "watched");
  const query = (index: number) => caller.query(notes.list, { board: `asked ${index}` });
  const mutation = () => caller.mutation(notes.add, { board: "written", text: "small" });
  await timesOf(200, query);
  await timesOf(200, mutation);
  const queries = await timesOf(1_000, query);
  const mutations = await timesOf(1_000, mutation);
  await Promise.all([holder.close(), caller.close()]);
  return {
    "query, median": quantile(queries, 0.5),
    "query, p95": quantile(queries, 0.95),
    "mutation, median": quantile(mutations, 0.5),
    "mutation, p95": quantile(mutations, 0.95),
  };
}

const loadClients = 32;
const callsUnderWay = 4;
const loadMs = 4_000;

/** Clients that each have a few calls under way all the time. */
export async function throughput(measured: Measured, subscriptions: number): Promise<Figures> {
  const holder = connect(measured);
  await watchBoards(holder, subscriptions, "watched");
  const clients = Array.from({ length: loadClients }, () => connect(measured));
  const perSecond = async (
    call: (client: ConvexClient, index: number) => Promise<unknown>,
  ): Promise<number> => {
    let [calls, done] = [0, 0];
    const startedAt = performance.now();
    const line = async (client: ConvexClient): Promise<void> => {
      while (performance.now() < startedAt + loadMs) {
        await call(client, calls++);
        done += 1;
      }
    };
    await Promise.all(clients.flatMap((client) => Array.from({ length: callsUnderWay }, () => line(client))));
    return done / ((performance.now() - startedAt) / 1000);
  };
  const write = (client: ConvexClient, index: number): Promise<unknown> =>
    client.mutation(notes.add, { board: `load ${index % 100}`, text: "small" });
  const ask = (client: ConvexClient, index: number): Promise<unknown> =>
    client.query(notes.list, { board: `asked ${index}` });
  await perSecond(write);
  const figures = { "mutations a second": await perSecond(write), "queries a second": await perSecond(ask) };
  await Promise.all([holder, ...clients].map((client) => client.close()));
  return figures;
}

/** One write, seen by many clients that watch the same. */
export async function fanOut(measured: Measured, subscribers: number): Promise<Figures> {
  const beforeKb = measured.residentKb();
  const writer = connect(measured);
  const clients = Array.from({ length: subscribers }, () => connect(measured));
  let expected = "";
  let waiting = 0;
  let seen = Promise.withResolvers<void>();
  const told = clients.map((client) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    client.onUpdate(notes.list, { board: "shared" }, (texts) => {
      resolve();
      if (expected !== "" && texts[0] === expected && --waiting === 0) seen.resolve();
    });
    return promise;
  });
  await Promise.all(told);
  const afterKb = measured.residentKb();
  const times = await timesOf(30, async (index) => {
    [expected, waiting, seen] = [`note ${index}`, subscribers, Promise.withResolvers<void>()];
    await Promise.all([writer.mutation(notes.add, { board: "shared", text: expected }), seen.promise]);
  });
  await Promise.all([writer, ...clients].map((client) => client.close()));
  return {
    "write to the last subscriber, median": quantile(times, 0.5),
    "write to the last subscriber, p95": quantile(times, 0.95),
    "memory a client, kB": (afterKb - beforeKb) / subscribers,
  };
}

/** From a request to the head of its answer: as people ask, one and then another, and several at once. */
export async function httpHead({ deployment }: Measured): Promise<Figures> {
  const url = `${deployment.siteUrl}/head`;
  const head = async (): Promise<void> => {
    const response = await fetch(url);
    const text = await response.text();
    if (text !== "function") throw new Error(`The HTTP action answered ${response.status} ${text}`);
  };
  const paused = async (): Promise<void> => void (await Promise.all([head(), sleep(50)]));
  await timesOf(50, paused);
  const times: number[] = [];
  for (let asked = 0; asked < 100; asked += 1) {
    times.push(...(await timesOf(1, head)));
    await sleep(50);
  }
  const alone = times.toSorted((a, b) => a - b);
  const crowd = await timesOf(20, () => Promise.all(Array.from({ length: 10 }, head)));
  return {
    "one, median": quantile(alone, 0.5),
    "one, p95": quantile(alone, 0.95),
    "ten at once, median": quantile(crowd, 0.5),
  };
}

/** What a function that never ends costs another client until it is ended. */
export async function runAway(measured: Measured): Promise<Figures> {
  const [culprit, other] = [connect(measured), connect(measured)];
  const write = (): Promise<unknown> => other.mutation(notes.add, { board: "other", text: "small" });
  await timesOf(100, write);
  const state = { isRunning: true };
  const ended = culprit
    .mutation(notes.runAway, {})
    .catch(() => undefined)
    .finally(() => (state.isRunning = false));
  const times: number[] = [];
  while (state.isRunning) times.push(...(await timesOf(1, write)));
  await ended;
  await Promise.all([culprit.close(), other.close()]);
  return { "longest wait of another's mutation": Math.max(...times) };
}
