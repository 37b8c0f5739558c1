/**
 * Versions of replies and messages on the app's own pages, in StrictMode: choosing, changing, asking for others. Long: one page
 * and its fake deployment serve all of them.
 */
import { act, cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { RunStatus, Turn } from "../../../convex/shared/streamEvents.ts";
import { App } from "../../../src/App.tsx";
import { drafts } from "../../../src/sending/drafts.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { FakeDeployment } from "../fakeDeployment.ts";
import { scriptedStream, type ScriptedStream } from "../streaming/scriptedStream.ts";

interface Listed {
  id: string;
  answers: string | null;
  status?: RunStatus;
  finishReason?: "stop" | "length";
  continues?: string;
  request?: string;
}

let deployment: FakeDeployment;
let stream: ScriptedStream;
let chats = 0;
let chatId = "";

/** Ids of their own for each chat: the app's stores live as long as the page. */
const own = (id: string) => `${chatId}.${id}`;
const orNull = (id: string | null) => (id === null ? null : own(id));

/** Lists messages; those with a status are replies. Their texts are their ids in words. */
function list(...messages: Listed[]): void {
  deployment.answer("chats:getChat", { chatId }, { _id: chatId, title: "A title", model: "demo" });
  for (const { id, status } of messages) {
    const text = `This is ${id}.`;
    if (status === undefined) deployment.answer("messages:getText", { messageId: own(id) }, { text });
    else {
      const isDone = status === "complete" || status === "stopped";
      deployment.answer(
        "chats:getChatBody",
        { streamId: own(`${id}.stream`) },
        {
          text,
          status: isDone ? "done" : "error",
        },
      );
    }
  }
  deployment.answer(
    "messages:list",
    { chatId },
    messages.map(({ id, answers, status, finishReason, continues, request }) => ({
      _id: own(id),
      _creationTime: 1,
      chatId,
      parentId: orNull(answers),
      role: status === undefined ? "user" : "assistant",
      clientRequestId: request ?? null,
      reply:
        status === undefined
          ? null
          : {
              streamId: own(`${id}.stream`),
              status,
              attempt: 1,
              model: "demo",
              finishReason: finishReason ?? null,
              continues: continues === undefined ? null : own(continues),
              error: status === "failed" ? { kind: "auth", message: "The key is wrong." } : null,
              usage: null,
              costUsd: null,
            },
    })),
  );
}

function open(): ReturnType<typeof userEvent.setup> {
  history.replaceState(null, "", `/c/${chatId}`);
  render(
    <StrictMode>
      <ConvexProvider client={deployment.client}>
        <App />
      </ConvexProvider>
    </StrictMode>,
  );
  return userEvent.setup();
}

function texts(): string[] {
  return screen.queryAllByTestId("message-text").map((text) => text.textContent);
}

function lastMessage(): HTMLElement {
  const last = screen.getAllByTestId("message").at(-1);
  if (last === undefined) throw new Error("no message is shown");
  return last;
}

/** The request that the page's newest POST brought along. */
function sentTurn(): Record<string, unknown> {
  const body = stream.requests.at(-1)?.body as { turn?: Record<string, unknown> } | undefined;
  return body?.turn ?? {};
}

async function serverBegins(reply: string, from = 0): Promise<void> {
  const turn = {
    chatId,
    userMessageId: own("ask"),
    messageId: own(reply),
    streamId: own(`${reply}.stream`),
  } as Turn;
  await act(async () => {
    stream.answer();
    stream.send({ kind: "start", attempt: 1, from, turn });
  });
}

const ask: Listed = { id: "ask", answers: null };
const first: Listed = { id: "first", answers: "ask", status: "complete" };
const second: Listed = { id: "second", answers: "ask", status: "complete" };

// A page loads it while it is idle; here the first reply would wait for it.
beforeAll(() => import("../../../src/markdown/StreamedMarkdown.tsx"), 60_000);
beforeEach(() => {
  chats += 1;
  chatId = `versions${chats}`;
  localStorage.clear();
  sessionStorage.clear();
  deployment = new FakeDeployment();
  stream = scriptedStream();
  vi.stubGlobal("fetch", stream.fetch);
  const model = { provider: "demo", available: true, unavailableReason: null };
  deployment.answer("models:list", {}, [{ ...model, id: "demo", label: "Demo", isDefault: true }]);
  deployment.answer("chats:listChats", { limit: 200 }, []);
});
afterEach(() => {
  cleanup();
  pendingSends.remove(new Set(pendingSends.getAll().map(({ request }) => request.clientRequestId)));
  vi.unstubAllGlobals();
});

describe("the versions of a reply", () => {
  test("are named and gone through, and a reload shows the chosen one", async () => {
    list(ask, first, second);
    const user = open();
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is second."]));
    const group = screen.getByRole("group", { name: "Versions of this reply" });
    expect(group.textContent).toBe("Version 2 /of 2");
    await user.click(
      within(group).getByRole("button", { name: "Previous version", description: /1|2 of 2/ }),
    );
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is first."]));
    expect(document.activeElement?.getAttribute("data-testid")).toBe("previous-version");

    cleanup();
    open();
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is first."]));
  });

  test("follow what another device asks for, unless an older one was chosen here", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    expect(screen.queryByRole("group", { name: /Versions/ })).toBeNull();
    act(() => list(ask, first, second));
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is second."]));

    await user.click(screen.getByTestId("previous-version"));
    const third: Listed = { id: "third", answers: "ask", status: "complete" };
    act(() => list(ask, first, second, third));
    await waitFor(() => expect(screen.getByTestId("version").textContent).toContain("of 3"));
    expect(texts()).toEqual(["This is ask.", "This is first."]);
  });

  test("each have what comes after them, and a message answers the last of what is shown", async () => {
    list(
      ask,
      first,
      { id: "more", answers: "first" },
      { id: "reply", answers: "more", status: "complete" },
      second,
    );
    const user = open();
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is second."]));
    await user.click(screen.getByTestId("previous-version"));
    await waitFor(() => expect(texts()).toHaveLength(4));
    await user.type(screen.getByTestId("composer"), "And then?{Enter}");
    expect(sentTurn()).toMatchObject({ kind: "message", parentId: own("reply"), text: "And then?" });
    expect(texts().slice(0, 5)).toEqual([
      "This is ask.",
      "This is first.",
      "This is more.",
      "This is reply.",
      "And then?",
    ]);
  });
});

describe("Regenerate", () => {
  test("shows the new version at once, drives it, and the same place becomes the listed one", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    await user.click(screen.getByRole("button", { name: "Regenerate" }));
    expect(lastMessage().dataset["status"]).toBe("queued");
    expect(screen.getByTestId("version").textContent).toContain("2 /of 2");
    expect(sentTurn()).toMatchObject({ kind: "regenerate", messageId: own("first"), model: "demo" });
    expect(screen.queryByTestId("regenerate")).toBeNull();

    await serverBegins("second");
    await act(async () => stream.send({ kind: "text", offset: 0, text: "Another way" }));
    await waitFor(() => expect(lastMessage().textContent).toContain("Another way"));
    const shown = lastMessage();
    const request = sentTurn()["clientRequestId"] as string;
    act(() => list(ask, first, { id: "second", answers: "ask", status: "running", request }));
    expect(lastMessage()).toBe(shown);
    expect(screen.getByTestId("version").textContent).toContain("2 /of 2");
    await waitFor(() => expect(pendingSends.getAll()).toEqual([]));
  });

  test("that the server refuses shows the version that was shown before, with the reason", async () => {
    list(ask, first, second);
    const user = open();
    await waitFor(() => expect(texts()).toContain("This is second."));
    await user.click(screen.getByTestId("previous-version"));
    await user.click(screen.getByTestId("regenerate"));
    expect(screen.getByTestId("version").textContent).toContain("3 /of 3");
    const refusal = { kind: "notFound", message: "There is no such reply." };
    await act(async () => stream.answer(404, refusal));
    expect((await screen.findByRole("alert")).textContent).toContain("There is no such reply.");
    expect(texts()).toEqual(["This is ask.", "This is first."]);
    expect(drafts.get(chatId).text).toBe("");
  });

  test("is not offered for a reply that grows, but for the ended ones before it", async () => {
    list(ask, first, { id: "more", answers: "first" }, { id: "growing", answers: "more", status: "running" });
    open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    expect(within(lastMessage()).queryByTestId("regenerate")).toBeNull();
    expect(screen.getAllByTestId("regenerate")).toHaveLength(1);
  });
});

describe("Continue", () => {
  test("shows the earlier text from the first moment and lets the new one grow from it", async () => {
    const broken: Listed = { ...first, status: "stopped" };
    list(ask, broken);
    const user = open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    const seen: string[] = [];
    const watcher = new MutationObserver(() => seen.push(texts()[1] ?? ""));
    watcher.observe(document.body, { subtree: true, childList: true, characterData: true });
    await user.click(screen.getByRole("button", { name: "Continue" }));
    expect(sentTurn()).toMatchObject({ kind: "continue", messageId: own("first") });
    expect(texts()).toEqual(["This is ask.", "This is first."]);
    expect(lastMessage().dataset["status"]).toBe("queued");

    await serverBegins("second", 14);
    await act(async () => stream.send({ kind: "text", offset: 14, text: " And on." }));
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is first. And on."]));
    await act(async () => stream.send({ kind: "done", status: "complete", length: 22 }));
    await waitFor(() => expect(lastMessage().dataset["status"]).toBe("complete"));
    watcher.disconnect();
    expect(seen.filter((text) => !text.startsWith("This is first."))).toEqual([]);
    expect(deployment.subscribed("messages:getTail")).toEqual([]);
  });

  test("asked for elsewhere begins here with the earlier text too, before anything is read", async () => {
    list(ask, { ...first, status: "interrupted" });
    open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    const streamId = own("second.stream");
    act(() => {
      list(
        ask,
        { ...first, status: "interrupted" },
        { id: "second", answers: "ask", status: "queued", continues: "first" },
      );
      deployment.answer("chats:getChatBody", { streamId }, undefined);
    });
    expect(screen.getByTestId("version").textContent).toContain("2 /of 2");
    expect(texts()).toEqual(["This is ask.", "This is first."]);
    act(() => deployment.answer("messages:getTail", { streamId }, { attempt: 1, from: 14, text: " On." }));
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is first. On."]));
  });

  test.each([
    ["stopped", undefined, /Stopped/],
    ["interrupted", undefined, /What was written is kept: Continue goes on/],
    ["complete", "length", /Cut off at the model’s limit. Continue asks for the rest/],
    ["failed", undefined, /The key is wrong.*API key.*then retry/],
  ] as const)(
    "is offered for a reply that is %s with finish reason %s, which says so",
    async (status, finishReason, words) => {
      list(ask, { ...first, status, ...(finishReason === undefined ? {} : { finishReason }) });
      open();
      await waitFor(() => expect(texts()).toContain("This is first."));
      expect(lastMessage().textContent).toMatch(words);
      expect(screen.getByRole("button", { name: "Continue" })).toBeTruthy();
    },
  );

  test("is not offered for a complete reply, nor Retry", async () => {
    list(ask, first);
    open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    expect(screen.queryByTestId("continue")).toBeNull();
    expect(screen.queryByTestId("retry")).toBeNull();
  });
});

describe("Retry", () => {
  test("stands next to the error and asks for the reply again", async () => {
    list(ask, { ...first, status: "failed" });
    const user = open();
    await waitFor(() => expect(texts()).toContain("This is first."));
    await user.click(screen.getByRole("button", { name: "Retry" }));
    expect(sentTurn()).toMatchObject({ kind: "regenerate", messageId: own("first") });
    expect(lastMessage().dataset["status"]).toBe("queued");
  });
});

describe("Edit", () => {
  const editor = () => screen.getByTestId<HTMLTextAreaElement>("editor");

  test("sends a changed message with Enter, which is on the screen at once beside the earlier one", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toHaveLength(2));
    await user.click(screen.getByRole("button", { name: "Edit" }));
    expect(document.activeElement).toBe(editor());
    expect(editor().value).toBe("This is ask.");
    await user.type(editor(), " Truly{Shift>}{Enter}{/Shift}so.{Enter}");
    expect(sentTurn()).toMatchObject({
      kind: "edit",
      messageId: own("ask"),
      text: "This is ask. Truly\nso.",
    });
    expect(texts()[0]).toBe("This is ask. Truly\nso.");
    expect(screen.getByRole("group", { name: "Versions of this message" }).textContent).toContain("2 /of 2");
    expect(lastMessage().dataset["status"]).toBe("queued");
    expect(document.activeElement).toBe(screen.getByTestId("composer"));
    await user.click(screen.getByTestId("previous-version"));
    await waitFor(() => expect(texts()).toEqual(["This is ask.", "This is first."]));
    expect(screen.queryByTestId("editor")).toBeNull();
  });

  test("that is cancelled by Escape leaves nothing behind and the keyboard at its button", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toHaveLength(2));
    await user.click(screen.getByTestId("edit"));
    await user.type(editor(), " More{Escape}");
    expect(texts()).toEqual(["This is ask.", "This is first."]);
    expect(document.activeElement).toBe(screen.getByTestId("edit"));
    expect(stream.requests).toEqual([]);
    await user.click(screen.getByTestId("edit"));
    expect(editor().value).toBe("This is ask.");
    await user.clear(editor());
    expect(screen.getByTestId<HTMLButtonElement>("send-edit").disabled).toBe(true);
    await user.click(screen.getByTestId("cancel-edit"));
    expect(screen.queryByTestId("editor")).toBeNull();
  });

  test("that the server refuses comes back with what was written and the reason", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toHaveLength(2));
    await user.click(screen.getByTestId("edit"));
    await user.type(editor(), " More{Enter}");
    const message = "The chosen model cannot be used.";
    await act(async () => stream.answer(503, { kind: "modelUnavailable", message }));
    expect((await screen.findByRole("alert")).textContent).toContain(message);
    expect(editor().value).toBe("This is ask. More");
    expect(texts()).toEqual(["This is first."]);
  });

  test("that is too long is not sent, and says by how much", async () => {
    list(ask, first);
    const user = open();
    await waitFor(() => expect(texts()).toHaveLength(2));
    await user.click(screen.getByTestId("edit"));
    act(() => drafts.write(`edit.${own("ask")}`, "x".repeat(200_001)));
    await user.type(editor(), "{Enter}");
    expect(screen.getByRole("alert").textContent).toContain("200001 characters; at most 200000");
    expect(stream.requests).toEqual([]);
  });
});
