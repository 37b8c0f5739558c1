/** `GET /api/usage`: what each function has used since the start of the process, whoever called it. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import type { Deployment } from "../../../embedded/deployment.ts";
import { deployFixture } from "../../support/deployedFixture.ts";
import type { FunctionUsage } from "../../../embedded/protocol/calls.ts";
import { notes } from "../../support/notesApp.ts";

let deployment: Deployment;
let before: FunctionUsage[];

beforeAll(async () => {
  const fixture = await deployFixture("notes");
  ({ deployment } = fixture);
  await new ConvexHttpClient(deployment.url, { logger: false }).mutation(notes.add, {
    board: "full",
    text: "x".repeat(1_000),
  });
  return fixture.close;
});
beforeEach(async () => {
  before = await usage();
});

async function usage(): Promise<FunctionUsage[]> {
  const headers = { Authorization: `Convex ${deployment.adminKey}` };
  return (await (await fetch(`${deployment.url}/api/usage`, { headers })).json()) as FunctionUsage[];
}

const counters = [
  "calls",
  "errors",
  "documentsRead",
  "bytesRead",
  "documentsWritten",
  "bytesWritten",
  "bytesSent",
] as const;

/** What the function has used in this test; counters that stayed are left out. */
async function grown(name: string): Promise<Record<string, number>> {
  const [now, then] = [await usage(), before].map((all) => all.find((one) => one.name === name));
  const differences = counters.map((key) => [key, (now?.[key] ?? 0) - (then?.[key] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, difference]) => difference !== 0));
}

const client = (): ConvexHttpClient => new ConvexHttpClient(deployment.url, { logger: false });

test("a query's documents and bytes, and what was sent of its result", async () => {
  const result = await client().query(notes.list, { board: "full" });
  expect(await grown("notes.js:list")).toEqual({
    calls: 1,
    documentsRead: 1,
    bytesRead: expect.toSatisfy((bytes: number) => bytes > 1_000 && bytes < 1_200),
    bytesSent: JSON.stringify(result).length,
  });
});

test("a result that two subscribers share is one call, and sent twice", async () => {
  const seen: unknown[] = [];
  for (const socket of [new ConvexClient(deployment.url), new ConvexClient(deployment.url)]) {
    onTestFinished(() => void socket.close());
    socket.onUpdate(notes.list, { board: "full" }, (texts) => void seen.push(texts));
    await expect.poll(() => seen.length).toBeGreaterThan(0);
  }
  await expect.poll(() => seen.length).toBe(2);
  expect(await grown("notes.js:list")).toMatchObject({ calls: 1, documentsRead: 1, bytesSent: 2 * 1_004 });
});

test("a mutation that fails is a call, an error, and what it had read", async () => {
  await expect(client().mutation(notes.add, { board: "full", text: "" })).rejects.toThrow("emptyNote");
  expect(await grown("notes.js:add")).toEqual({ calls: 1, errors: 1 });
});

test("an action is counted apart from the mutation it calls, which sends nothing", async () => {
  await client().action(reference<"action">("notes:shout"), { board: "loud", text: "hey" });
  expect(await grown("notes.js:shout")).toEqual({ calls: 1, bytesSent: '"HEY"'.length });
  expect(await grown("notes.js:addScheduled")).toEqual({
    calls: 1,
    documentsWritten: 1,
    bytesWritten: expect.any(Number),
  });
});

test("what the scheduler runs is counted as any call", async () => {
  await client().mutation(reference<"mutation">("notes:addLater"), { board: "later", text: "t", afterMs: 0 });
  await expect.poll(() => client().query(notes.list, { board: "later" })).toEqual(["t"]);
  expect(await grown("notes.js:addScheduled")).toMatchObject({ calls: 1, documentsWritten: 1 });
});

test("an HTTP action is counted by its route, with the bytes of its answer", async () => {
  const response = await fetch(`${deployment.siteUrl}/echo`, { method: "POST", body: "hello" });
  expect(await response.text()).toBe("echo: hello");
  await expect.poll(() => grown("POST /echo")).toEqual({ calls: 1, bytesSent: "echo: hello".length });
});

test("usage is for admins only", async () => {
  expect((await fetch(`${deployment.url}/api/usage`)).status).toBe(401);
});
