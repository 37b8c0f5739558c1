/** What another page wrote down: tabs share the storage and, where there are any, the browser's locks. */
import { ConvexError } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Turn } from "../../../convex/shared/streamEvents.ts";
import { drafts } from "../../../src/sending/drafts.ts";
import { addToOutbox, readOutbox, type OutboxEntry } from "../../../src/sending/outbox.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { watchOutbox } from "../../../src/sending/resendOutbox.ts";
import { holdWhileSending } from "../../../src/sending/sendLocks.ts";
import { stopWhenSent } from "../../../src/sending/sendTurn.ts";
import { FakeDeployment } from "../fakeDeployment.ts";
import { scriptedFetch, type ScriptedFetch } from "../streaming/scriptedFetch.ts";

const turn = { chatId: "c1", userMessageId: "m1", messageId: "m2", streamId: "resent" } as Turn;
const taken = { kind: "runTaken", message: "Already being written.", turn };

let deployment: FakeDeployment;
let http: ScriptedFetch;
let stopWatching: (() => void) | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  for (const key of ["c1", "new"]) drafts.write(key, "");
  pendingSends.remove(new Set(pendingSends.getAll().map(({ request }) => request.clientRequestId)));
  deployment = new FakeDeployment();
  http = scriptedFetch();
  vi.stubGlobal("fetch", http.fetch);
});
afterEach(() => {
  stopWatching?.();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

function entry(change: Partial<OutboxEntry> = {}): OutboxEntry {
  const request = { kind: "message", chatId: "c1", text: "Hello", clientRequestId: "r1" } as const;
  return { request, chatId: "c1", pageKey: null, sentAtMs: Date.now(), ...change };
}

/** Opens the page that finds the outbox as it is. */
async function openPage(): Promise<void> {
  stopWatching = watchOutbox(deployment.client);
  await settle();
}

/** As browsers tell the other tabs. */
function tellOfAdded({ request }: OutboxEntry): void {
  const key = `duet.outbox.${request.clientRequestId}`;
  window.dispatchEvent(new StorageEvent("storage", { key, newValue: localStorage.getItem(key) }));
}

/** The browser's locks, which every page of an origin shares. */
function stubLocks(): void {
  const holders = new Map<string, Promise<unknown>>();
  const request = (name: string, work: () => unknown) => {
    const done = (holders.get(name) ?? Promise.resolve()).then(work);
    holders.set(
      name,
      done.catch(() => {}),
    );
    return done;
  };
  vi.spyOn(navigator, "locks", "get").mockReturnValue({ request } as unknown as LockManager);
}

describe("a message that an earlier page wrote down", () => {
  test("is on the screen at once and is sent again under the same request id", async () => {
    addToOutbox(entry());
    await openPage();
    expect(pendingSends.getAll()).toMatchObject([{ chatId: "c1", request: { text: "Hello" }, turn: null }]);
    expect(http.bodies()).toMatchObject([{ turn: { kind: "message", clientRequestId: "r1" } }]);
    http.streams[0]?.answer(409, taken);
    await settle();
    expect(readOutbox()).toEqual([]);
    expect(pendingSends.getAll()).toMatchObject([{ turn }]);
  });

  test("and whose reply was stopped before it left is stopped when the server has it", async () => {
    const { promise, resolve } = Promise.withResolvers<null>();
    deployment.onMutation("messages:stop", () => promise);
    addToOutbox(entry());
    stopWhenSent("r1");
    await openPage();
    http.streams[0]?.answer(409, taken);
    await settle();
    expect(deployment.mutations).toEqual([{ name: "messages:stop", args: { messageId: "m2" } }]);
    expect(readOutbox()).toMatchObject([{ isStopWanted: true }]);
    resolve(null);
    await settle();
    expect(readOutbox()).toEqual([]);
  });

  test("starts its chat if it was the first, for the page that it was written on", async () => {
    const request = { kind: "newChat", prompt: "Hello", clientRequestId: "r1" } as const;
    addToOutbox(entry({ request, chatId: null, pageKey: "page 1" }));
    await openPage();
    expect(http.bodies()).toMatchObject([{ turn: { kind: "newChat", prompt: "Hello" } }]);
    expect(pendingSends.startedOn("page 1")).toMatchObject({ request });
    expect(pendingSends.startedOn("page 2")).toBeNull();
  });

  test("goes back to the composer when the server refuses it", async () => {
    const refusal = { kind: "notFound", message: "There is no such chat." };
    deployment.onMutation("messages:send", () => Promise.reject(new ConvexError(refusal)));
    addToOutbox(entry());
    await openPage();
    http.streams[0]?.answer(404, refusal);
    await settle();
    expect(readOutbox()).toEqual([]);
    expect(drafts.get("c1")).toEqual({ text: "Hello", problem: refusal.message });
  });

  test("goes back to the composer when it is old, and is not sent", async () => {
    addToOutbox(entry({ sentAtMs: Date.now() - 3_600_000 }));
    await openPage();
    expect(http.streams).toEqual([]);
    expect(drafts.get("c1")).toEqual({ text: "Hello", problem: null });
    expect(readOutbox()).toEqual([]);
  });

  test.each(['{"text":1}', "{", "null", JSON.stringify({ request: { kind: "toString" }, sentAtMs: 1 })])(
    "is left out when the storage holds something else: %s",
    async (written) => {
      localStorage.setItem("duet.outbox.r1", written);
      expect(readOutbox()).toEqual([]);
      await openPage();
      expect(http.streams).toEqual([]);
    },
  );
});

describe.each([
  ["with the browser's locks", true],
  ["where the browser has no locks", false],
])("a message that another tab is sending, %s", (_name, hasLocks) => {
  beforeEach(() => {
    if (hasLocks) stubLocks();
  });

  test("is not sent from here while that tab lives, and at once when it is gone", async () => {
    const otherTab = Promise.withResolvers<void>();
    await openPage();
    holdWhileSending("r1", otherTab.promise);
    addToOutbox(entry());
    tellOfAdded(entry());
    await vi.advanceTimersByTimeAsync(300_000);
    expect(http.streams).toEqual([]);
    otherTab.resolve();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(http.bodies()).toMatchObject([{ turn: { clientRequestId: "r1" } }]);
  });

  test("is forgotten here when that tab has sent it", async () => {
    const otherTab = Promise.withResolvers<void>();
    holdWhileSending("r1", otherTab.promise);
    addToOutbox(entry());
    await openPage();
    localStorage.removeItem("duet.outbox.r1");
    otherTab.resolve();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(http.streams).toEqual([]);
    expect(pendingSends.getAll()).toEqual([]);
  });
});
