/** Enter while a reply is being written, in StrictMode, on the app's own routes. */
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../../../src/App.tsx";
import { Drafts, drafts } from "../../../src/sending/drafts.ts";
import { pendingSends } from "../../../src/sending/pendingSends.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

const waits = "Will be sent when the reply has ended.";
let deployment: FakeDeployment;
let chatId: string;
let chats = 0;

/** Turns of a chat, each a question and a reply of this status. */
function listReplies(...statuses: string[]): void {
  const messages = statuses.flatMap((status, index) => {
    const base = { _creationTime: index, chatId, clientRequestId: null };
    const asked = `${chatId}-user${index}`;
    const of = { streamId: `${chatId}-stream${index}`, attempt: 1, model: "demo", error: null, usage: null };
    return [
      { ...base, _id: asked, parentId: null, role: "user", reply: null },
      {
        ...base,
        _id: `${chatId}-reply${index}`,
        parentId: asked,
        role: "assistant",
        reply: { ...of, status, finishReason: null, continues: null, costUsd: null },
      },
    ].map((message, part) =>
      part === 0 && index > 0 ? { ...message, parentId: `${chatId}-reply${index - 1}` } : message,
    );
  });
  act(() => deployment.answer("messages:list", { chatId }, messages));
}

const composer = () => screen.getByTestId<HTMLTextAreaElement>("composer");
const write = (value: string) => fireEvent.change(composer(), { target: { value } });
const press = (key: string) => fireEvent.keyDown(composer(), { key });
const notice = () => screen.getByTestId("held-back").textContent;
const sent = () => pendingSends.getAll().map(({ request }) => request);
const settle = () => act(() => vi.advanceTimersByTimeAsync(0));

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  sessionStorage.clear();
  pendingSends.remove(new Set(sent().map(({ clientRequestId }) => clientRequestId)));
  // Sent is what left the composer: no server answers here.
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  chats += 1;
  chatId = `held${chats}`;
  deployment = new FakeDeployment();
  deployment.onMutation("messages:send", () => new Promise(() => undefined));
  deployment.onMutation("messages:stop", () => new Promise(() => undefined));
  deployment.answer("models:list", {}, [
    { id: "demo", label: "Demo", provider: "demo", available: true, isDefault: true },
  ]);
  deployment.answer("chats:listChats", { limit: 200 }, []);
  deployment.answer("chats:getChat", { chatId }, { _id: chatId, title: "A title", model: "demo" });
  listReplies("running");
  history.replaceState(null, "", `/c/${chatId}`);
  render(
    <StrictMode>
      <ConvexProvider client={deployment.client}>
        <App />
      </ConvexProvider>
    </StrictMode>,
  );
  write("And then?");
});
afterEach(() => {
  cleanup();
  drafts.write(chatId, "");
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test.each(["complete", "stopped"])(
  "Enter says that the text waits, and it is sent once when the reply is %s",
  (status) => {
    press("Enter");
    expect(notice()).toBe(waits);
    expect(screen.getByTestId("held-back").tagName).toBe("OUTPUT");
    expect(composer().value).toBe("And then?");
    expect(sent()).toEqual([]);
    listReplies(status);
    expect(sent()).toMatchObject([{ kind: "message", text: "And then?", parentId: `${chatId}-reply0` }]);
    expect(composer().value).toBe("");
    expect(notice()).toBe("");
  },
);

test("a button does what Enter does, for those who have no Enter", () => {
  fireEvent.click(screen.getByTestId("send-later"));
  expect(notice()).toBe(waits);
  expect(screen.queryByTestId("send-later")).toBeNull();
  expect(screen.getByTestId("stop")).toBeTruthy();
});

test.each(["failed", "interrupted"])(
  "a text that waits stays, with the reason, when the reply is %s",
  (status) => {
    press("Enter");
    listReplies(status);
    expect(sent()).toEqual([]);
    expect(composer().value).toBe("And then?");
    expect(screen.getByRole("alert").textContent).toContain("did not come to its end");
  },
);

test("a text that is changed waits no more", () => {
  press("Enter");
  write("And then? Or");
  expect(notice()).toBe("");
  listReplies("complete");
  expect(sent()).toEqual([]);
  expect(composer().value).toBe("And then? Or");
});

test("Escape takes the text back first and stops the reply only then", () => {
  press("Enter");
  press("Escape");
  expect(notice()).toBe("");
  expect(deployment.mutations).toEqual([]);
  press("Escape");
  expect(deployment.mutations.map(({ name }) => name)).toEqual(["messages:stop"]);
  listReplies("stopped");
  expect(sent()).toEqual([]);
  expect(composer().value).toBe("And then?");
});

test("a text waits on while another page is shown, and is sent once when its chat is shown again", async () => {
  press("Enter");
  fireEvent.click(screen.getByTestId("new-chat"));
  listReplies("complete");
  await settle();
  expect(sent()).toEqual([]);
  act(() => history.back());
  await settle();
  expect(location.pathname).toBe(`/c/${chatId}`);
  expect(sent()).toMatchObject([{ text: "And then?" }]);
});

test("a text waits on over a reload, and a copy of its tab sends it under the same name", () => {
  press("Enter");
  const tab = Object.keys(sessionStorage).map((key) => [key, sessionStorage.getItem(key) ?? ""] as const);
  const ids = ["the reloaded tab", "its copy"].map(() => {
    const opened = new Drafts();
    for (const [key, value] of tab) sessionStorage.setItem(key, value);
    expect(opened.get(chatId)).toMatchObject({
      text: "And then?",
      heldBack: { replyKey: `${chatId}-reply0` },
    });
    return opened.get(chatId).heldBack?.clientRequestId;
  });
  expect(ids[0]).toBe(ids[1]);
  listReplies("complete");
  expect(sent()).toMatchObject([{ text: "And then?", clientRequestId: ids[0] }]);
  expect(new Drafts().get(chatId)).toEqual({ text: "", problem: null });
});

test("a text that a tab brings back much later is the person's to send", () => {
  press("Enter");
  vi.setSystemTime(Date.now() + 11 * 60_000);
  expect(new Drafts().get(chatId)).toEqual({ text: "And then?", problem: null });
});

test("a text stays, with the reason, when the chat was gone on with elsewhere", () => {
  press("Enter");
  listReplies("complete", "running");
  expect(sent()).toEqual([]);
  expect(composer().value).toBe("And then?");
  expect(screen.getByRole("alert").textContent).toContain("gone on in the meantime");
});

test("an empty composer holds nothing back", () => {
  write("  ");
  press("Enter");
  expect(notice()).toBe("");
  expect(screen.queryByTestId("send-later")).toBeNull();
});
