/** What becomes of one send, by what its POST and its mutation answer. Long, because both are faked once for all cases. */
import { ConvexError } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Turn } from "../../../convex/shared/streamEvents.ts";
import { drafts } from "../../../src/sending/drafts.ts";
import { readOutbox } from "../../../src/sending/outbox.ts";
import { ownTexts } from "../../../src/sending/ownTexts.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { sendTurn, type SendResult } from "../../../src/sending/sendTurn.ts";
import { replyStores } from "../../../src/streaming/replyStores.ts";
import { FakeDeployment } from "../fakeDeployment.ts";
import { scriptedFetch, type ScriptedFetch } from "../streaming/scriptedFetch.ts";

const start = { kind: "start", attempt: 1, from: 0 } as const;
const noPlace = { kind: "tooManyRequests", message: "All places are taken.", retryAfterMs: 2_000 };

let deployment: FakeDeployment;
let http: ScriptedFetch;
let turn: Turn;
let turns = 0;

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  for (const key of ["c1", "new", "edit.m0"]) drafts.write(key, "");
  pendingSends.remove(new Set(pendingSends.getAll().map(({ request }) => request.clientRequestId)));
  deployment = new FakeDeployment();
  deployment.onMutation("messages:leaveToServer", () => Promise.resolve(null));
  http = scriptedFetch();
  vi.stubGlobal("fetch", http.fetch);
  turns += 1;
  // A stream of its own for each test: the stores live as long as the page.
  turn = { chatId: "c1", userMessageId: "m1", messageId: "m2", streamId: `stream ${turns}` } as Turn;
});
afterEach(() => {
  replyStores.get(turn.streamId).close();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
/** As `settle`, with what the next frame shows. */
const painted = () => vi.advanceTimersByTimeAsync(200);
const mutations = () => deployment.mutations.map(({ name }) => name);

function send(text = "Hello"): { result: Promise<SendResult>; clientRequestId: string } {
  return sendTurn(deployment.client, { kind: "message", chatId: "c1", text }, { chatId: "c1" });
}

function shown() {
  return replyStores.get(turn.streamId).getSnapshot();
}

describe("a message over a good connection", () => {
  test("takes one POST, whose reply this tab drives", async () => {
    const { result, clientRequestId } = send();
    expect(readOutbox()).toMatchObject([{ request: { kind: "message", text: "Hello", clientRequestId } }]);
    expect(http.bodies()).toEqual([
      {
        turn: { kind: "message", chatId: "c1", text: "Hello", clientRequestId },
        runToken: expect.any(String),
      },
    ]);
    http.streams[0]?.answer();
    http.streams[0]?.send({ ...start, turn }, { kind: "text", offset: 0, text: "Good day" });
    expect(await result).toEqual({ kind: "sent", turn });
    await painted();
    expect(shown()).toMatchObject({ text: "Good day", status: "running", role: "driver" });
    expect(readOutbox()).toEqual([]);
    expect(pendingSends.getAll()).toMatchObject([{ turn }]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(http.streams).toHaveLength(1);
    expect(mutations()).toEqual([]);
  });

  test("is shown and sent as it will be kept where half a character is in it", async () => {
    const { clientRequestId } = send("a \uD83D b 😀");
    const [pending] = pendingSends.getAll();
    const [body] = http.bodies();
    const text = "a \uFFFD b 😀";
    const asked = { kind: "message", chatId: "c1", text, clientRequestId };
    expect(pending?.request).toEqual(asked);
    expect(body?.["turn"]).toEqual(asked);
    expect(ownTexts.get(clientRequestId)).toBe(text);
  });

  test("stays sent when a view of its reply fails", async () => {
    const log = vi.spyOn(console, "error").mockReturnValue(undefined);
    const unsubscribe = replyStores.get(turn.streamId).subscribe(() => {
      throw new Error("a view fails");
    });
    const { result } = send();
    http.streams[0]?.answer();
    http.streams[0]?.send({ ...start, turn });
    expect(await result).toEqual({ kind: "sent", turn });
    unsubscribe();
    expect(shown().role).toBe("driver");
    expect(log).toHaveBeenCalled();
  });
});

describe("a message over a bad connection", () => {
  test("goes over the database's connection too when no head comes, and is driven when one comes after all", async () => {
    deployment.onMutation("messages:send", () => Promise.resolve(turn));
    const { result, clientRequestId } = send();
    await vi.advanceTimersByTimeAsync(1_499);
    expect(mutations()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(deployment.mutations).toEqual([
      { name: "messages:send", args: { chatId: "c1", text: "Hello", clientRequestId } },
    ]);
    expect(await result).toEqual({ kind: "sent", turn });
    expect(shown().role).toBe("spectator");
    http.streams[0]?.answer();
    http.streams[0]?.send({ ...start, turn });
    await painted();
    expect(shown()).toMatchObject({ role: "driver", status: "running" });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(mutations()).toEqual(["messages:send"]);
    expect(http.streams).toHaveLength(1);
  });

  test("is left to the server when the head never comes", async () => {
    deployment.onMutation("messages:send", () => Promise.resolve(turn));
    const { result } = send();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await result).toEqual({ kind: "sent", turn });
    expect(mutations()).toEqual(["messages:send", "messages:leaveToServer"]);
    expect(shown().role).toBe("spectator");
    expect(http.streams).toHaveLength(1);
    expect(http.streams[0]?.isAborted()).toBe(true);
  });

  test("whose answer was lost is asked for under the same names, and drives", async () => {
    deployment.onMutation("messages:send", () => Promise.resolve(turn));
    const { result, clientRequestId } = send();
    http.streams[0]?.refuseConnection();
    expect(await result).toEqual({ kind: "sent", turn });
    expect(deployment.mutations[0]?.args).toMatchObject({ clientRequestId });
    await settle();
    const [first, second] = http.bodies();
    expect(second).toEqual({ streamId: turn.streamId, runToken: first?.["runToken"] });
    http.streams[1]?.answer();
    http.streams[1]?.send(start);
    await painted();
    expect(shown()).toMatchObject({ role: "driver", status: "running" });
    expect(mutations()).toEqual(["messages:send"]);
  });

  test.each([
    [500, undefined],
    [502, undefined],
    [429, noPlace],
    [503, { kind: "internal", message: "The reply could not be started from here." }],
  ])(
    "that is answered %i goes over the database's connection, and its reply is left to the server",
    async (status, refusal) => {
      deployment.onMutation("messages:send", () => Promise.resolve(turn));
      const { result } = send();
      http.streams[0]?.answer(status, refusal);
      expect(await result).toEqual({ kind: "sent", turn });
      await settle();
      expect(mutations()).toEqual(["messages:send", "messages:leaveToServer"]);
      expect(drafts.get("c1")).toEqual({ text: "", problem: null });
    },
  );

  test("without network makes no POST until the server has it", async () => {
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    const back = Promise.withResolvers<Turn>();
    deployment.onMutation("messages:send", () => back.promise);
    const { result } = send();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(http.streams).toEqual([]);
    expect(readOutbox()).toHaveLength(1);
    back.resolve(turn);
    expect(await result).toEqual({ kind: "sent", turn });
    await settle();
    expect(http.bodies()).toMatchObject([{ streamId: turn.streamId }]);
    expect(mutations()).toEqual(["messages:send"]);
  });
});

describe("a message from a browser whose connections are taken by other replies", () => {
  /** Tabs that read a reply live, as the browser's locks tell of them. */
  function otherTabs(live: number): void {
    const held = Array.from({ length: live }, () => ({ name: "duet.live", mode: "shared" as const }));
    vi.spyOn(navigator, "locks", "get").mockReturnValue({
      request: (_name: string, ...options: unknown[]) => (options.at(-1) as () => Promise<unknown>)(),
      query: () => Promise.resolve({ held, pending: [] }),
    });
  }

  test("is over the database's connection at once, and its reply is left to the server", async () => {
    otherTabs(6);
    deployment.onMutation("messages:send", () => Promise.resolve(turn));
    const { result } = send();
    await settle();
    expect(mutations()).toEqual(["messages:send", "messages:leaveToServer"]);
    expect(await result).toEqual({ kind: "sent", turn });
    expect(shown().role).toBe("spectator");
  });

  test("is driven all the same if its POST gets a connection after all", async () => {
    otherTabs(6);
    deployment.onMutation("messages:send", () => Promise.resolve(turn));
    send();
    await settle();
    http.streams[0]?.answer();
    http.streams[0]?.send({ ...start, turn });
    await painted();
    expect(shown()).toMatchObject({ role: "driver", status: "running" });
  });

  test("goes by its POST alone while one is free", async () => {
    otherTabs(5);
    send();
    await vi.advanceTimersByTimeAsync(1_499);
    expect(http.streams).toHaveLength(1);
    expect(mutations()).toEqual([]);
  });
});

describe("a message that the server has and this tab cannot drive", () => {
  test("because somebody else does is watched, and nothing more is asked", async () => {
    const { result } = send();
    http.streams[0]?.answer(409, { kind: "runTaken", message: "Already being written.", turn });
    expect(await result).toEqual({ kind: "sent", turn });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(shown().role).toBe("spectator");
    expect(mutations()).toEqual([]);
    expect(http.streams).toHaveLength(1);
  });

  test("because all places are taken asks for one again, and drives when there is one", async () => {
    const { result } = send();
    http.streams[0]?.answer(503, { ...noPlace, turn });
    expect(await result).toEqual({ kind: "sent", turn });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(http.streams).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(http.bodies()[1]).toMatchObject({ streamId: turn.streamId });
    http.streams[1]?.answer(503, noPlace);
    await vi.advanceTimersByTimeAsync(3_000);
    http.streams[2]?.answer();
    http.streams[2]?.send(start);
    await painted();
    expect(shown()).toMatchObject({ role: "driver", status: "running" });
    expect(mutations()).toEqual([]);
    expect(new Set(http.bodies().map(({ runToken }) => runToken)).size).toBe(1);
  });

  test.each(["running", "complete", "stopped"] as const)(
    "because all places are taken asks no more once it is %s",
    async (status) => {
      const { result } = send();
      http.streams[0]?.answer(503, { ...noPlace, turn });
      await result;
      replyStores.get(turn.streamId).receiveHead({ status, attempt: 1 });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(http.streams).toHaveLength(1);
      expect(mutations()).toEqual([]);
    },
  );
});

describe("a message that is refused", () => {
  const chatBusy = { kind: "chatBusy", message: "The last reply is still being written." };

  test("by the POST goes back to the composer with the reason, and is not asked for again", async () => {
    const { result } = send();
    http.streams[0]?.answer(409, chatBusy);
    expect(await result).toEqual({ kind: "failed" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(drafts.get("c1")).toEqual({ text: "Hello", problem: chatBusy.message });
    expect(readOutbox()).toEqual([]);
    expect(pendingSends.getAll()).toEqual([]);
    expect(mutations()).toEqual([]);
    expect(http.streams).toHaveLength(1);
  });

  test("over the database's connection stands before what was typed since", async () => {
    deployment.onMutation("messages:send", () => Promise.reject(new ConvexError(chatBusy)));
    const { result } = send("first");
    http.streams[0]?.answer(500);
    drafts.write("c1", "second");
    expect(await result).toEqual({ kind: "failed" });
    expect(drafts.get("c1")).toEqual({ text: "first\n\nsecond", problem: chatBusy.message });
  });

  test("there while the POST is still under way is sent if the POST is taken after all", async () => {
    deployment.onMutation("messages:send", () => Promise.reject(new ConvexError(chatBusy)));
    const { result } = send();
    await vi.advanceTimersByTimeAsync(2_000);
    http.streams[0]?.answer();
    http.streams[0]?.send({ ...start, turn });
    expect(await result).toEqual({ kind: "sent", turn });
    expect(drafts.get("c1").text).toBe("");
  });

  test("while its POST hangs, which may yet arrive, goes out again under the same name, another text under another", async () => {
    deployment.onMutation("messages:send", () => Promise.reject(new ConvexError(chatBusy)));
    const { result, clientRequestId } = send();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await result).toEqual({ kind: "failed" });
    expect(drafts.get("c1").text).toBe("Hello");
    const again = send();
    expect(again.clientRequestId).toBe(clientRequestId);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(send("Hello there").clientRequestId).not.toBe(clientRequestId);
    expect(send().clientRequestId).not.toBe(clientRequestId);
  });

  test("as a changed version goes back to its own editor; a request without words only says why", async () => {
    const edited = sendTurn(
      deployment.client,
      { kind: "edit", messageId: "m0", text: "New" },
      { chatId: "c1" },
    );
    http.streams[0]?.answer(409, chatBusy);
    expect(await edited.result).toEqual({ kind: "failed" });
    expect(drafts.get("edit.m0")).toEqual({ text: "New", problem: chatBusy.message });
    const again = sendTurn(deployment.client, { kind: "regenerate", messageId: "m2" }, { chatId: "c1" });
    http.streams[1]?.answer(409, chatBusy);
    expect(await again.result).toEqual({ kind: "failed" });
    expect(drafts.get("c1")).toEqual({ text: "", problem: chatBusy.message });
  });
});
