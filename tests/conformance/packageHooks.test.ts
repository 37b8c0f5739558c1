// @vitest-environment happy-dom
/** The React hooks of the components, with the official React client. */
import usePresence from "@convex-dev/presence/react";
import { useRateLimit } from "@convex-dev/rate-limiter/react";
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { makeFunctionReference } from "convex/server";
import { createElement, type ReactNode } from "react";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;
let client: ConvexReactClient;

beforeAll(async () => {
  app = await openApp("packages");
  client = new ConvexReactClient(app.target.url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    logger: false,
    unsavedChangesWarning: false,
  });
});
afterEach(cleanup);
afterAll(async () => {
  await client.close();
  await app.close();
});

const wrapper = ({ children }: { children: ReactNode }): ReactNode =>
  createElement(ConvexProvider, { client }, children);

test("useRateLimit shows what is left, and when to come back", async () => {
  const key = freshName("hook");
  const getRateLimit = makeFunctionReference<"query">("limits:getRateLimit");
  const getServerTimeMutation = makeFunctionReference<"mutation">("limits:getServerTime");
  const { result } = renderHook(
    () => useRateLimit(getRateLimit as never, { key, getServerTimeMutation: getServerTimeMutation as never }),
    { wrapper },
  );
  await waitFor(() => expect(result.current.status).toEqual({ ok: true, retryAt: undefined }));
  expect(result.current.check(Date.now(), 2)).toMatchObject({ ok: true, value: 1 });
  await app.mutation("limits:limit", { name: "bucket", key, count: 3 });
  await waitFor(() => expect(result.current.status).toMatchObject({ ok: false }));
  expect(result.current.status?.retryAt).toBeGreaterThan(Date.now());
});

test("usePresence enters, sees the others, and leaves", async () => {
  const roomId = freshName("hook");
  const heartbeat = makeFunctionReference<"mutation">("people:heartbeat");
  const list = makeFunctionReference<"query">("people:list");
  const disconnect = makeFunctionReference<"mutation">("people:disconnect");
  const api = { heartbeat, list, disconnect };
  const ann = renderHook(() => usePresence(api, roomId, "ann"), { wrapper });
  const bob = renderHook(() => usePresence(api, roomId, "bob"), { wrapper });
  await waitFor(() =>
    expect(ann.result.current?.map(({ userId }) => userId).toSorted()).toEqual(["ann", "bob"]),
  );
  bob.unmount();
  await waitFor(() => expect(ann.result.current?.find(({ userId }) => userId === "bob")?.online).toBe(false));
});
