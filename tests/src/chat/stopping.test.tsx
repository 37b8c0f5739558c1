/** The Stop of a page, in StrictMode, on the app's own routes. */
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { App } from "../../../src/App.tsx";
import { drafts } from "../../../src/sending/drafts.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

let deployment: FakeDeployment;
let chatId: string;
let chats = 0;

/** Turns of a chat, each a question and a reply of this status. */
function listReplies(...statuses: string[]): void {
  const messages = statuses.flatMap((status, index) => {
    const base = { _creationTime: index, chatId, clientRequestId: null };
    const asked = `${chatId}-user${index}`;
    const reply = { streamId: `${chatId}-stream${index}`, status, attempt: 1, model: "demo", error: null };
    return [
      { ...base, _id: asked, parentId: null, role: "user", reply: null },
      {
        ...base,
        _id: `${chatId}-reply${index}`,
        parentId: asked,
        role: "assistant",
        reply: { ...reply, usage: null, costUsd: null },
      },
    ];
  });
  act(() => deployment.answer("messages:list", { chatId }, messages));
}

const stopButton = () => screen.getByTestId("stop");
const stops = () =>
  deployment.mutations.filter(({ name }) => name === "messages:stop").map(({ args }) => args["messageId"]);
const settle = () => act(() => vi.advanceTimersByTimeAsync(0));

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  chats += 1;
  chatId = `stopping${chats}`;
  deployment = new FakeDeployment();
  deployment.answer("models:list", {}, []);
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
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("Stop", () => {
  test.each(["queued", "running", "recovering"])(
    "is offered for a reply that is %s, in any tab",
    (status) => {
      deployment.onMutation("messages:stop", () => new Promise(() => undefined));
      listReplies("complete", status);
      fireEvent.click(stopButton());
      expect(stops()).toEqual([`${chatId}-reply1`]);
    },
  );

  test("pressed twice asks once", () => {
    deployment.onMutation("messages:stop", () => new Promise(() => undefined));
    fireEvent.click(stopButton());
    fireEvent.click(stopButton());
    expect(stops()).toHaveLength(1);
    expect(stopButton().getAttribute("aria-label")).toBe("Stopping…");
  });

  test("is Escape in the composer, too, unless an input method takes it", () => {
    deployment.onMutation("messages:stop", () => new Promise(() => undefined));
    fireEvent.keyDown(screen.getByTestId("composer"), { key: "Escape", isComposing: true });
    expect(stops()).toEqual([]);
    fireEvent.keyDown(screen.getByTestId("composer"), { key: "Escape" });
    expect(stops()).toHaveLength(1);
  });

  test("goes on while there is no network, and ends with the reply", async () => {
    const { promise, resolve } = Promise.withResolvers<null>();
    deployment.onMutation("messages:stop", () => promise);
    fireEvent.click(stopButton());
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(stopButton().getAttribute("aria-label")).toBe("Stopping…");
    resolve(null);
    await settle();
    listReplies("stopped");
    expect(screen.queryByTestId("stop")).toBeNull();
    expect(screen.getByTestId("send")).toBeTruthy();
    expect(stops()).toHaveLength(1);
  });

  test("is offered again when the reply goes on all the same", async () => {
    deployment.onMutation("messages:stop", () => Promise.resolve(null));
    fireEvent.click(stopButton());
    await act(() => vi.advanceTimersByTimeAsync(6_000));
    expect(stopButton().getAttribute("aria-label")).toBe("Stop the reply");
    fireEvent.click(stopButton());
    expect(stops()).toHaveLength(2);
  });

  test("that fails says so and is offered again", async () => {
    deployment.onMutation("messages:stop", () => Promise.reject(new Error("boom")));
    fireEvent.click(stopButton());
    await settle();
    expect(screen.getByRole("alert").textContent).toContain("The reply could not be stopped.");
    expect(stopButton().getAttribute("aria-label")).toBe("Stop the reply");
    drafts.dismissProblem(chatId);
  });

  test("is not held against the next reply", () => {
    deployment.onMutation("messages:stop", () => new Promise(() => undefined));
    fireEvent.click(stopButton());
    listReplies("stopped", "queued");
    expect(stopButton().getAttribute("aria-label")).toBe("Stop the reply");
    fireEvent.click(stopButton());
    expect(stops()).toEqual([`${chatId}-reply0`, `${chatId}-reply1`]);
  });
});

describe("Stop before the server has the message", () => {
  /** Sends, and stops; the function returned lets the server have the message. */
  async function stopWhileSending(): Promise<() => Promise<void>> {
    deployment.onMutation("messages:stop", () => Promise.resolve(null));
    const { promise, resolve } = Promise.withResolvers<unknown>();
    deployment.onMutation("messages:send", () => promise);
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no way to the site")));
    deployment.answer("models:list", {}, [
      { id: "demo", label: "Demo", provider: "demo", available: true, isDefault: true },
    ]);
    listReplies("complete");
    await settle();
    fireEvent.change(screen.getByTestId("composer"), { target: { value: "And then?" } });
    fireEvent.click(screen.getByTestId("send"));
    fireEvent.click(stopButton());
    expect(stops()).toEqual([]);
    return async () => {
      resolve({ chatId, userMessageId: "u", messageId: "late-reply", streamId: `${chatId}-late` });
      await settle();
    };
  }
  afterEach(() => vi.unstubAllGlobals());

  test("stops the reply as soon as it does", async () => {
    const receive = await stopWhileSending();
    await receive();
    expect(stops()).toEqual(["late-reply"]);
    expect(stopButton().getAttribute("aria-label")).toBe("Stopping…");
  });

  test("stops it, too, when the person has left the page", async () => {
    const receive = await stopWhileSending();
    fireEvent.click(screen.getByTestId("new-chat"));
    await receive();
    expect(stops()).toEqual(["late-reply"]);
  });
});
