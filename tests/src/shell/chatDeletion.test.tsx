import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConvexProvider } from "convex/react";
import { ConvexError } from "convex/values";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { App } from "../../../src/App.tsx";
import { drafts } from "../../../src/sending/drafts.ts";
import { chatDeletions } from "../../../src/shell/chatDeletions.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

const chats = ["First", "Second", "Third"].map((title, index) => ({
  _id: `c${index + 1}`,
  title,
  status: "idle",
  updatedAt: Date.now(),
}));
let deployment: FakeDeployment;
let user: ReturnType<typeof userEvent.setup>;

function listWithout(...chatIds: string[]): void {
  const left = chats.filter(({ _id }) => !chatIds.includes(_id));
  deployment.answer("chats:listChats", { limit: 200 }, left);
}

function answerChat(chatId: string): void {
  const [chat] = chats.filter(({ _id }) => _id === chatId);
  deployment.answer("chats:getChat", { chatId }, { ...chat, _creationTime: 0, model: "m" });
  deployment.answer("messages:list", { chatId }, []);
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

const titles = () =>
  within(screen.getByTestId("chat-list"))
    .queryAllByRole("link")
    .map((row) => row.textContent);
const toasts = () => screen.queryAllByTestId("deletion-toast");
const deleteButton = (title: string) => screen.getByRole("button", { name: `Delete “${title}”` });
const undoButton = (title: string) => screen.getByRole("button", { name: `Undo: bring back “${title}”` });
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

beforeEach(() => {
  vi.useFakeTimers();
  // The testing library moves the clock of no other runner.
  vi.stubGlobal("jest", { advanceTimersByTime: (ms: number) => vi.advanceTimersByTime(ms) });
  user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTime(ms) });
  localStorage.clear();
  deployment = new FakeDeployment();
  deployment.answer("models:list", {}, []);
  listWithout();
  deployment.onMutation("chats:deleteChat", ({ chatId }) => {
    listWithout(...chatDeletions.getAll().map((deletion) => deletion.chatId));
    deployment.answer("chats:getChat", { chatId }, null);
    return Promise.resolve(null);
  });
  deployment.onMutation("chats:restoreChat", ({ chatId }) => {
    const others = chatDeletions.getAll().filter((deletion) => deletion.chatId !== chatId);
    listWithout(...others.map((deletion) => deletion.chatId));
    answerChat(String(chatId));
    return Promise.resolve(null);
  });
});
afterEach(() => {
  cleanup();
  for (const { chatId } of chatDeletions.getAll()) chatDeletions.letGo(chatId);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the page of a chat that is deleted here never says that it was deleted elsewhere", async () => {
  answerChat("c2");
  open("/c/c2");
  const shown: string[] = [];
  const observer = new MutationObserver(() => {
    if (screen.queryByTestId("chat-deleted") !== null) shown.push("chat-deleted");
  });
  observer.observe(document.body, { childList: true, subtree: true });
  // Outside `act`, whose end would hide what is committed in between.
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", false);
  deleteButton("Second").click();
  await vi.advanceTimersByTimeAsync(1_000);
  observer.disconnect();
  expect(toasts()).toHaveLength(1);
  expect(location.pathname).toBe("/");
  expect(shown).toEqual([]);
});

describe("deleting a chat", () => {
  test("needs no question: it is gone from the list at once, and offers the way back", async () => {
    deployment.onMutation("chats:deleteChat", () => new Promise(() => undefined));
    open("/");
    await user.click(deleteButton("First"));
    expect(titles()).toEqual(["Second", "Third"]);
    expect(toasts()).toHaveLength(1);
    expect(undoButton("First")).toBeTruthy();
    expect(deployment.mutations).toEqual([{ name: "chats:deleteChat", args: { chatId: "c1" } }]);
  });

  test("is told to a screen reader, politely", async () => {
    open("/");
    await user.click(deleteButton("First"));
    const region = screen.getByRole("region", { name: "Deleted chats" });
    expect(within(region).getByRole("status").textContent).toContain("“First” was deleted");
    await user.click(undoButton("First"));
    await pass(0);
    expect(within(region).getByRole("status").textContent).toBe("“First” is back.");
  });

  test("leaves the page of that chat, and an undo opens it again", async () => {
    answerChat("c1");
    open("/c/c1");
    await user.click(deleteButton("First"));
    expect(location.pathname).toBe("/");
    await user.click(undoButton("First"));
    expect(location.pathname).toBe("/c/c1");
    expect(titles()).toEqual(["First", "Second", "Third"]);
    expect(toasts()).toEqual([]);
  });

  test("of another chat leaves the page alone, and so does its undo", async () => {
    answerChat("c2");
    open("/c/c2");
    await user.click(deleteButton("First"));
    await user.click(undoButton("First"));
    expect(location.pathname).toBe("/c/c2");
  });

  test("several in a row can each be taken back", async () => {
    open("/");
    for (const title of ["First", "Second", "Third"]) await user.click(deleteButton(title));
    expect(titles()).toEqual([]);
    expect(toasts()).toHaveLength(3);
    await user.click(undoButton("Second"));
    expect(titles()).toEqual(["Second"]);
    expect(toasts()).toHaveLength(2);
  });

  test("by keyboard goes on with the next chat, and Undo is in the order of Tab", async () => {
    open("/");
    act(() => deleteButton("First").focus());
    await user.keyboard("{Enter}");
    expect(document.activeElement).toBe(deleteButton("Second"));
    for (let presses = 0; presses < 12 && document.activeElement !== undoButton("First"); presses += 1) {
      await user.tab();
    }
    expect(document.activeElement).toBe(undoButton("First"));
    await user.keyboard("{Enter}");
    expect(titles()).toEqual(["First", "Second", "Third"]);
  });
});

describe("the offer to undo", () => {
  test("lasts ten seconds", async () => {
    open("/");
    await user.click(deleteButton("First"));
    await pass(9_900);
    expect(toasts()).toHaveLength(1);
    await pass(200);
    expect(toasts()).toEqual([]);
  });

  test("stays while the pointer is on it or the keyboard in it, but not longer than the server would keep the chat", async () => {
    open("/");
    await user.click(deleteButton("First"));
    await user.hover(undoButton("First"));
    await pass(15_000);
    expect(toasts()).toHaveLength(1);
    await user.unhover(undoButton("First"));
    act(() => undoButton("First").focus());
    await pass(9_000);
    expect(toasts()).toHaveLength(1);
    await pass(2_000);
    expect(toasts()).toEqual([]);
  });

  test("does not pass while the deletion waits for the network", async () => {
    deployment.onMutation("chats:deleteChat", () => new Promise(() => undefined));
    open("/");
    await user.click(deleteButton("First"));
    await pass(60_000);
    expect(screen.getByText("Deleting…")).toBeTruthy();
    expect(undoButton("First")).toBeTruthy();
  });
});

describe("a failure", () => {
  test("of the deletion puts the chat back into the list, says why, and can be tried again", async () => {
    deployment.onMutation("chats:deleteChat", () => Promise.reject(new Error("boom")));
    open("/");
    await user.click(deleteButton("First"));
    expect(titles()).toEqual(["First", "Second", "Third"]);
    expect(screen.getByRole("alert").textContent).toBe("Something went wrong on the server.");
    deployment.onMutation("chats:deleteChat", () => Promise.resolve(null));
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(titles()).toEqual(["Second", "Third"]);
    expect(undoButton("First")).toBeTruthy();
  });

  test("of the undo says why, and offers no second try where the server has refused", async () => {
    const message = "There is no such chat.";
    deployment.onMutation("chats:restoreChat", () =>
      Promise.reject(new ConvexError({ kind: "notFound", message })),
    );
    open("/");
    await user.click(deleteButton("First"));
    await user.click(undoButton("First"));
    expect(screen.getByRole("alert").textContent).toBe(message);
    expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(toasts()).toEqual([]);
  });

  test("of the undo for no reason of the server's can be tried again", async () => {
    answerChat("c1");
    open("/c/c1");
    deployment.onMutation("chats:restoreChat", () => Promise.reject(new Error("boom")));
    await user.click(deleteButton("First"));
    await user.click(undoButton("First"));
    deployment.onMutation("chats:restoreChat", () => {
      answerChat("c1");
      listWithout();
      return Promise.resolve(null);
    });
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(location.pathname).toBe("/c/c1");
    expect(toasts()).toEqual([]);
  });
});

describe("the draft of a deleted chat", () => {
  test("is kept for an undo, and gone with it", async () => {
    drafts.write("c1", "Half a thought");
    open("/");
    await user.click(deleteButton("First"));
    expect(localStorage.getItem("duet.draft.c1")).toBeNull();
    await user.click(undoButton("First"));
    expect(drafts.get("c1").text).toBe("Half a thought");
    await user.click(deleteButton("First"));
    await pass(10_100);
    expect(drafts.get("c1").text).toBe("");
    expect(localStorage.getItem("duet.draft.c1")).toBeNull();
  });

  test("stays where it was when the deletion fails", async () => {
    deployment.onMutation("chats:deleteChat", () => Promise.reject(new Error("boom")));
    drafts.write("c1", "Half a thought");
    open("/");
    await user.click(deleteButton("First"));
    expect(localStorage.getItem("duet.draft.c1")).toBe("Half a thought");
    drafts.write("c1", "");
  });
});

describe("another tab that shows the chat", () => {
  test("says that it was deleted, and shows it again after an undo", () => {
    answerChat("c1");
    open("/c/c1");
    expect(screen.getByTestId("conversation")).toBeTruthy();
    act(() => deployment.answer("chats:getChat", { chatId: "c1" }, null));
    expect(screen.getByRole("heading", { name: "This chat was deleted" })).toBeTruthy();
    act(() => answerChat("c1"));
    expect(screen.getByTestId("conversation")).toBeTruthy();
  });

  test("an address that never led to a chat says so instead", () => {
    deployment.answer("chats:getChat", { chatId: "c9" }, null);
    open("/c/c9");
    expect(screen.getByRole("heading", { name: "No such chat" })).toBeTruthy();
  });
});
