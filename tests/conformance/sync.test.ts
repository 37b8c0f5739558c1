/** Live queries over the official clients. */
import { BaseConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openProxy, type Proxy } from "./support/proxy.ts";
import { freshName, openApp, openClient, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("sync");
});
afterAll(() => app.close());

const send = makeFunctionReference<"mutation", { room: string; text: string; rank?: number }, number>(
  "messages:send",
);
const refuse = makeFunctionReference<"mutation", Record<string, never>>("messages:refuse");
const clear = makeFunctionReference<"mutation", { room: string }>("messages:clear");
const echo = makeFunctionReference<"action", { text: string }, string>("messages:echo");
const list = makeFunctionReference<"query", { room: string }, string[]>("messages:list");

describe("subscriptions", () => {
  test("a subscription begins with the present and follows every change", async () => {
    const room = freshName("room");
    const client = app.connect();
    const seen = watch<string[]>(client, "messages:list", { room });
    await seen.reached((texts) => texts.length === 0);
    for (const text of ["a", "b", "c"]) await client.mutation(send, { room, text });
    await seen.reached((texts) => texts.length === 3);
    expect(seen.results.at(-1)).toEqual(["a", "b", "c"]);
    // It never went backwards.
    const lengths = seen.results.map((texts) => texts.length);
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  test("when a mutation has resolved, its client's queries show it", async () => {
    const room = freshName("room");
    const client = app.connect();
    const seen = watch<string[]>(client, "messages:list", { room });
    await seen.reached(() => true);
    await client.mutation(send, { room, text: "mine" });
    expect(seen.results.at(-1)).toEqual(["mine"]);
  });

  test("two queries of one client never disagree", async () => {
    const room = freshName("room");
    const states: [number, number][] = [];
    const client = new BaseConvexClient(
      app.target.url,
      () => {
        const texts = client.localQueryResult("messages:list", { room }) as string[] | undefined;
        const count = client.localQueryResult("messages:count", { room }) as number | undefined;
        if (texts !== undefined && count !== undefined) states.push([texts.length, count]);
      },
      {
        webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
        logger: false,
        unsavedChangesWarning: false,
      },
    );
    client.subscribe("messages:list", { room });
    client.subscribe("messages:count", { room });
    for (let i = 0; i < 10; i += 1) {
      await client.mutation("messages:send", { room, text: String(i) });
    }
    await client.close();
    expect(states.length).toBeGreaterThan(0);
    for (const [texts, count] of states) expect(texts).toBe(count);
  });

  test("a query that fails tells its error, and recovers when its data do", async () => {
    const room = freshName("room");
    const client = app.connect();
    const seen = watch<string>(client, "messages:failsWhileFull", { room });
    await seen.reached((text) => text === "empty");
    await client.mutation(send, { room, text: "words" });
    expect((await seen.failed()).message).toContain("the room has words");
    seen.results.length = 0;
    await client.mutation(clear, { room });
    await seen.reached((text) => text === "empty");
  });

  test("an unsubscribed query is told nothing more", async () => {
    const room = freshName("room");
    const client = app.connect();
    const left = watch<string[]>(client, "messages:list", { room });
    const stays = watch<number>(client, "messages:count", { room });
    await left.reached(() => true);
    left.stop();
    await client.mutation(send, { room, text: "unheard" });
    await stays.reached((count) => count === 1);
    expect(left.results).toEqual([[]]);
  });

  test("twenty clients with the same query all follow", async () => {
    const room = freshName("room");
    const watches = Array.from({ length: 20 }, () =>
      watch<string[]>(app.connect(), "messages:list", { room }),
    );
    await Promise.all(watches.map((seen) => seen.reached(() => true)));
    await app.mutation("messages:send", { room, text: "to all" });
    for (const seen of watches) expect(await seen.reached((texts) => texts.length === 1)).toEqual(["to all"]);
  });

  test("a client asks once, without a subscription", async () => {
    const room = freshName("room");
    await app.mutation("messages:send", { room, text: "x" });
    expect(await app.connect().query(list, { room })).toEqual(["x"]);
  });

  test("a subscription to a function that does not exist is an error of that query alone", async () => {
    const room = freshName("room");
    const client = app.connect();
    expect((await watch(client, "messages:nowhere").failed()).message).toContain(
      "Could not find public function",
    );
    await watch<string[]>(client, "messages:list", { room }).reached(() => true);
  });
});

describe("mutations and actions", () => {
  test("an error rejects the call and changes nothing", async () => {
    await expect(app.connect().mutation(refuse, {})).rejects.toThrow("refused");
  });

  test("an action answers over the same connection", async () => {
    expect(await app.connect().action(echo, { text: "hi" })).toBe("echo hi");
  });

  test("an optimistic update shows at once and gives way to the truth", async () => {
    const room = freshName("room");
    const client = app.connect();
    const seen = watch<string[]>(client, "messages:list", { room });
    await seen.reached((texts) => texts.length === 0);
    const sent = client.mutation(
      send,
      { room, text: "real" },
      {
        optimisticUpdate: (store) => {
          const before = store.getQuery(list, { room }) ?? [];
          store.setQuery(list, { room }, [...before, "optimistic"]);
        },
      },
    );
    await seen.reached((texts) => texts.includes("optimistic"));
    await sent;
    expect(seen.results).toEqual([[], ["optimistic"], ["real"]]);
  });

  test("an optimistic update of a mutation that fails is taken back", async () => {
    const room = freshName("room");
    const client = app.connect();
    const seen = watch<string[]>(client, "messages:list", { room });
    await seen.reached((texts) => texts.length === 0);
    const refused = client.mutation(
      refuse,
      {},
      { optimisticUpdate: (store) => store.setQuery(list, { room }, ["optimistic"]) },
    );
    await expect(refused).rejects.toThrow("refused");
    expect(seen.results).toEqual([[], ["optimistic"], []]);
  });
});

describe("under a bad network", () => {
  async function throughProxy(body: (proxy: Proxy) => Promise<void>): Promise<void> {
    const proxy = await openProxy(app.target.url);
    try {
      await body(proxy);
    } finally {
      await proxy.close();
    }
  }

  test("a client comes back and catches up", async () => {
    await throughProxy(async (proxy) => {
      const room = freshName("room");
      const client = openClient(proxy.url);
      const seen = watch<string[]>(client, "messages:list", { room });
      await seen.reached((texts) => texts.length === 0);
      proxy.cut();
      await app.mutation("messages:send", { room, text: "while away" });
      expect(await seen.reached((texts) => texts.length === 1)).toEqual(["while away"]);
      await client.close();
    });
  });

  test("a mutation whose answer was lost is sent again and applied once", async () => {
    await throughProxy(async (proxy) => {
      const room = freshName("room");
      const client = openClient(proxy.url);
      const seen = watch<string[]>(client, "messages:list", { room });
      await seen.reached((texts) => texts.length === 0);
      proxy.holdAnswers();
      const sent = client.mutation(send, { room, text: "once" });
      // It is applied, as another client sees, and its own client does not know.
      await watch<string[]>(app.connect(), "messages:list", { room }).reached((texts) => texts.length === 1);
      proxy.cut();
      expect(await sent).toBe(1);
      await seen.reached((texts) => texts.length === 1);
      expect(await app.query("messages:list", { room })).toEqual(["once"]);
      await client.close();
    });
  });

  test("many subscriptions and mutations survive cuts again and again", async () => {
    await throughProxy(async (proxy) => {
      const client = openClient(proxy.url);
      const rooms = Array.from({ length: 10 }, () => freshName("room"));
      const watches = rooms.map((room) => watch<string[]>(client, "messages:list", { room }));
      await Promise.all(watches.map((seen) => seen.reached(() => true)));
      for (let round = 0; round < 5; round += 1) {
        const sent = rooms.map((room) => client.mutation(send, { room, text: `${round}` }));
        proxy.cut();
        await Promise.all(sent);
      }
      for (const [index, seen] of watches.entries()) {
        expect(await seen.reached((texts) => texts.length === 5)).toEqual(["0", "1", "2", "3", "4"]);
        expect(await app.query("messages:list", { room: rooms[index]! })).toHaveLength(5);
      }
      await client.close();
    });
  });
});

test("a live page grows in place, and its continuation stays where it was", async () => {
  const room = freshName("room");
  for (let rank = 0; rank < 6; rank += 1)
    await app.mutation("messages:send", { room, text: `${rank}`, rank });
  interface Page {
    page: { text: string }[];
    continueCursor: string;
    isDone: boolean;
  }
  const first = watch<Page>(app.connect(), "messages:page", {
    room,
    paginationOpts: { numItems: 3, cursor: null, id: 1 },
  });
  const { continueCursor } = await first.reached(() => true);
  const second = watch<Page>(app.connect(), "messages:page", {
    room,
    paginationOpts: { numItems: 3, cursor: continueCursor, id: 1 },
  });
  await second.reached(({ page }) => page.length === 3);
  await app.mutation("messages:send", { room, text: "between", rank: 1.5 });
  const grown = await first.reached(({ page }) => page.some(({ text }) => text === "between"));
  expect(grown.page.map(({ text }) => text)).toEqual(["0", "1", "between", "2"]);
  expect(grown.continueCursor).toBe(continueCursor);
  expect(second.results.at(-1)!.page.map(({ text }) => text)).toEqual(["3", "4", "5"]);
});

test("HTTP queries of one snapshot agree", async () => {
  const room = freshName("room");
  const http = new ConvexHttpClient(app.target.url, { logger: false });
  const [texts, again] = await Promise.all([
    http.consistentQuery(list, { room }),
    http.consistentQuery(list, { room }),
  ]);
  expect(again).toEqual(texts);
});
