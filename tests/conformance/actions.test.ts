/** Actions: what they call, what they may use of the world, how they fail. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;
let outside: Server;

beforeAll(async () => {
  outside = createServer((_request, response) => response.writeHead(203).end("from outside"));
  await once(outside.listen(0, "127.0.0.1"), "listening");
  app = await openApp("actions");
});
afterAll(async () => {
  outside.close();
  await app.close();
});

test("an action calls queries, mutations and actions, public and internal", async () => {
  const bag = freshName("calls");
  expect(await app.action("acts:everyCall", { bag })).toEqual({
    length: 6,
    doubled: 42,
    list: ["public", "internal"],
  });
});

test("an error of what it called can be caught, a ConvexError with its data", async () => {
  expect(await app.action("acts:catches")).toMatchObject({
    isConvexError: false,
    message: expect.stringContaining("inner trouble"),
  });
  expect(await app.action("acts:catches", { data: { code: 1n } })).toMatchObject({
    isConvexError: true,
    data: { code: 1n },
  });
});

test("fetch, timers, a clock that goes on, randomness and crypto", async () => {
  const { port } = outside.address() as AddressInfo;
  const world = await app.action<{ waitedMs: number; random: number[] } & Record<string, unknown>>(
    "acts:world",
    {
      url: `http://127.0.0.1:${port}/`,
    },
  );
  expect(world).toMatchObject({ status: 203, digest: 0xba, uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  expect(world.waitedMs).toBeGreaterThanOrEqual(4);
  expect(world.random[0]).not.toBe(world.random[1]);
});

test("the web platform", async () => {
  expect(await app.action("acts:webPlatform")).toEqual({
    text: "hello",
    verified: true,
    url: "https://example.com/a/x?y=1#z",
    base64: "aGk=hi",
    cloned: 2,
    aborted: true,
  });
});

test("an action has no database of its own", async () => {
  const keys = await app.action<string[]>("acts:noDatabase");
  expect(keys).toEqual(expect.arrayContaining(["auth", "runAction", "runMutation", "runQuery", "scheduler"]));
  expect(keys).not.toContain("db");
});

test.each([
  ["throws", "the action failed"],
  ["timer", "thrown by a timer"],
  ["rejection", "nobody awaits this"],
])("what fails by %s fails the action alone", async (kind, message) => {
  await expect(app.action("acts:fails", { kind })).rejects.toThrow(message);
  expect(await app.action("acts:fails", { kind: "not at all" })).toBe("went through");
});

test("a ConvexError carries its data", async () => {
  const error = await app.action("acts:fails", { kind: "convexError" }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConvexError);
  expect((error as ConvexError<{ code: number }>).data).toEqual({ code: 9 });
});

test("actions run side by side", async () => {
  const bag = freshName("side");
  const waiting = Array.from({ length: 10 }, () => app.action("acts:waitForNote", { bag }));
  await app.action("acts:everyCall", { bag });
  for (const list of await Promise.all(waiting)) expect(list).not.toEqual([]);
});
