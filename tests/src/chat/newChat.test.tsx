/** From Enter on the empty page to the finished reply, in StrictMode, on the app's own routes. */
import { act, cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConvexError } from "convex/values";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Turn as SentTurn } from "../../../convex/shared/streamEvents.ts";
import { App } from "../../../src/App.tsx";
import { drafts } from "../../../src/sending/drafts.ts";
import { readOutbox } from "../../../src/sending/outbox.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { FakeDeployment } from "../fakeDeployment.ts";
import { scriptedStream, type ScriptedStream } from "../streaming/scriptedStream.ts";

let deployment: FakeDeployment;
let stream: ScriptedStream;
let turns = 0;

/** Ids of their own for each test: the app's stores live as long as the page. */
function nextTurn() {
  turns += 1;
  return {
    chatId: `chat${turns}`,
    userMessageId: `user${turns}`,
    messageId: `reply${turns}`,
    streamId: `stream${turns}`,
  };
}

type Turn = ReturnType<typeof nextTurn>;

/** The request that the page's POST brought along. */
function sentTurn(): Record<string, unknown> | undefined {
  const body = stream.requests[0]?.body as { turn?: Record<string, unknown> } | undefined;
  return body?.turn;
}

function listTurn(turn: Turn, status: string): void {
  const clientRequestId = sentTurn()?.["clientRequestId"] ?? null;
  const base = { _creationTime: 1, chatId: turn.chatId };
  deployment.answer(
    "chats:getChat",
    { chatId: turn.chatId },
    { _id: turn.chatId, title: "A title", model: "demo" },
  );
  deployment.answer("messages:list", { chatId: turn.chatId }, [
    { ...base, _id: turn.userMessageId, parentId: null, role: "user", clientRequestId, reply: null },
    {
      ...base,
      _id: turn.messageId,
      parentId: turn.userMessageId,
      role: "assistant",
      clientRequestId: null,
      reply: {
        streamId: turn.streamId,
        status,
        attempt: 1,
        model: "demo",
        error: null,
        usage: null,
        costUsd: null,
      },
    },
  ]);
}

function open(path: string): void {
  history.replaceState(null, "", path);
  render(
    <StrictMode>
      <ConvexProvider client={deployment.client}>
        <App />
      </ConvexProvider>
    </StrictMode>,
  );
}

const reply = () =>
  screen.getAllByTestId("message").find((message) => message.dataset["role"] === "assistant");

beforeEach(() => {
  localStorage.clear();
  drafts.write("new", "");
  deployment = new FakeDeployment();
  stream = scriptedStream();
  vi.stubGlobal("fetch", stream.fetch);
  const model = { provider: "demo", available: true, unavailableReason: null };
  deployment.answer("models:list", {}, [{ ...model, id: "demo", label: "Demo", isDefault: true }]);
  deployment.answer("chats:listChats", { limit: 200 }, []);
});
afterEach(() => {
  cleanup();
  // They live as long as a page does, which here is the file.
  pendingSends.remove(new Set(pendingSends.getAll().map(({ request }) => request.clientRequestId)));
  vi.unstubAllGlobals();
});

describe("a new chat", () => {
  test("is on the screen at once, gets its address without a new page, and drives its reply with one POST", async () => {
    const turn = nextTurn();
    open("/");
    const user = userEvent.setup();
    await user.type(screen.getByTestId("composer"), "Hello there{Enter}");

    const message = screen.getByText("Hello there");
    expect(reply()?.dataset["status"]).toBe("queued");
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("");
    expect(readOutbox().map(({ request }) => request)).toEqual([sentTurn()]);
    expect(sentTurn()).toMatchObject({ kind: "newChat", prompt: "Hello there", model: "demo" });
    const composer = screen.getByTestId("composer");

    await act(async () => {
      stream.answer();
      stream.send({ kind: "start", attempt: 1, from: 0, turn: turn as SentTurn });
    });
    await waitFor(() => expect(location.pathname).toBe(`/c/${turn.chatId}`));
    act(() => listTurn(turn, "running"));
    expect(readOutbox()).toEqual([]);
    expect(screen.getByText("Hello there")).toBe(message);
    expect(screen.getByTestId("composer")).toBe(composer);
    expect(stream.requests).toHaveLength(1);
    expect(deployment.mutations).toEqual([]);

    await act(async () => stream.send({ kind: "text", offset: 0, text: "Good day" }));
    await waitFor(() => expect(reply()?.textContent).toContain("Good day"));
    expect(reply()?.dataset).toMatchObject({ status: "running", driver: "true", streamId: turn.streamId });
    expect(deployment.subscribed("messages:getTail")).toEqual([]);
    expect(deployment.subscribed("chats:getChatBody")).toEqual([]);

    await act(async () => stream.send({ kind: "done", status: "complete", length: 8 }));
    await waitFor(() => expect(reply()?.dataset["status"]).toBe("complete"));
    expect(stream.requests).toHaveLength(1);
  });

  test("that is refused gives the text back with the reason", async () => {
    const refusal = { kind: "tooManyRequests", message: "That was a lot.", retryAfterMs: 4_200 };
    deployment.onMutation("chats:createChat", () => Promise.reject(new ConvexError(refusal)));
    open("/");
    const user = userEvent.setup();
    await user.type(screen.getByTestId("composer"), "Hello there{Enter}");
    await act(async () => stream.answer(429, refusal));
    expect((await screen.findByRole("alert")).textContent).toContain("That was a lot. Try again in 5 s.");
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("Hello there");
    expect(screen.queryAllByTestId("message")).toEqual([]);
    expect(readOutbox()).toEqual([]);
    expect(localStorage.getItem("duet.draft.new")).toBe("Hello there");
  });

  test("that is too long is not sent, and says by how much", async () => {
    open("/");
    const user = userEvent.setup();
    act(() => drafts.write("new", "x".repeat(200_001)));
    await user.type(screen.getByTestId("composer"), "{Enter}");
    expect(stream.requests).toEqual([]);
    expect(screen.getByRole("alert").textContent).toContain(
      "The message has 200001 characters; at most 200000 can be sent. Shorten it.",
    );
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toHaveLength(200_001);
  });

  test("begun from an example by the keyboard leaves the keyboard in the composer", async () => {
    open("/");
    const user = userEvent.setup();
    screen.getByRole("button", { name: /Explain something/ }).focus();
    await user.keyboard("{Enter}");
    expect(stream.requests).toHaveLength(1);
    expect(document.activeElement).toBe(screen.getByTestId("composer"));
  });

  test("waits for the network with a word of its own", async () => {
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    deployment.onMutation("chats:createChat", () => new Promise(() => {}));
    open("/");
    await userEvent.setup().type(screen.getByTestId("composer"), "Hello{Enter}");
    expect(reply()?.textContent).toContain("Will be sent when you are back online");
    vi.restoreAllMocks();
    act(() => void window.dispatchEvent(new Event("online")));
    expect(reply()?.textContent).toContain("Sending…");
  });

  test("is not sent by Shift and Enter, nor while a reply is on its way", async () => {
    open("/");
    const user = userEvent.setup();
    await user.type(screen.getByTestId("composer"), "one{Shift>}{Enter}{/Shift}two");
    expect(stream.requests).toEqual([]);
    await user.keyboard("{Enter}{Enter}");
    expect(sentTurn()).toMatchObject({ prompt: "one\ntwo" });
    await user.type(screen.getByTestId("composer"), "three{Enter}");
    expect(stream.requests).toHaveLength(1);
  });
});

describe("a chat that is opened", () => {
  test("shows a reply in progress from the body and the tail, and drives nothing", async () => {
    const turn = nextTurn();
    listTurn(turn, "running");
    deployment.answer("messages:getText", { messageId: turn.userMessageId }, { text: "Who are you?" });
    open(`/c/${turn.chatId}`);
    expect(screen.getByText("Who are you?")).toBeTruthy();
    const { streamId } = turn;
    act(() => deployment.answer("messages:getTail", { streamId }, { attempt: 1, from: 5, text: "56789" }));
    act(() => deployment.answer("chats:getChatBody", { streamId }, { text: "0123456", status: "streaming" }));
    await waitFor(() => expect(reply()?.textContent).toContain("0123456789"));
    expect(deployment.subscribed("chats:getChatBody")).toEqual([]);
    expect(reply()?.dataset).toMatchObject({ status: "running", driver: "false" });
    expect(stream.requests).toEqual([]);
  });

  test("shows a finished reply from one read of the body and lets go of it", async () => {
    const turn = nextTurn();
    listTurn(turn, "complete");
    const { streamId } = turn;
    deployment.answer("chats:getChatBody", { streamId }, { text: "All of it.", status: "done" });
    open(`/c/${turn.chatId}`);
    await waitFor(() => expect(reply()?.textContent).toContain("All of it."));
    expect(deployment.subscribed("messages:getTail")).toEqual([]);
    expect(deployment.subscribed("chats:getChatBody")).toEqual([]);
  });

  test("is stopped from the keyboard, which then is in the composer", async () => {
    const turn = nextTurn();
    listTurn(turn, "running");
    deployment.onMutation("messages:stop", () => new Promise(() => {}));
    open(`/c/${turn.chatId}`);
    screen.getByTestId("stop").focus();
    await userEvent.setup().keyboard("{Enter}");
    expect(deployment.mutations.map(({ name }) => name)).toEqual(["messages:stop"]);
    expect(document.activeElement).toBe(screen.getByTestId("composer"));
  });

  test("says of a complete reply without text that there is none, and only once that is known", async () => {
    const turn = nextTurn();
    listTurn(turn, "complete");
    const { streamId } = turn;
    open(`/c/${turn.chatId}`);
    expect(reply()?.textContent).not.toContain("no text");
    act(() => deployment.answer("chats:getChatBody", { streamId }, { text: "", status: "done" }));
    await waitFor(() =>
      expect(reply()?.textContent).toContain("The model sent no text. Retry asks it again."),
    );
  });

  test("that does not exist says so", () => {
    deployment.answer("chats:getChat", { chatId: "nonsense" }, null);
    open("/c/nonsense");
    expect(screen.getByRole("heading", { name: "No such chat" })).toBeTruthy();
  });
});
