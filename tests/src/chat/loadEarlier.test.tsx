import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { App } from "../../../src/App.tsx";
import { FakeDeployment } from "../fakeDeployment.ts";

const chatId = "longest";
let deployment: FakeDeployment;

function messages(from: number, to: number) {
  return Array.from({ length: to - from }, (_, index) => ({
    _id: `m${from + index}`,
    _creationTime: from + index,
    chatId,
    parentId: from + index === 0 ? null : `m${from + index - 1}`,
    role: "user",
    clientRequestId: null,
    reply: null,
  }));
}

const items = () => screen.getByRole("list", { name: "Conversation" }).children.length;

beforeEach(() => {
  class Observer {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
  vi.stubGlobal("IntersectionObserver", Observer);
  vi.stubGlobal("requestIdleCallback", () => 0);
  localStorage.clear();
  deployment = new FakeDeployment();
  deployment.answer("models:list", {}, []);
  deployment.answer("chats:listChats", { limit: 200 }, []);
  deployment.answer("chats:getChat", { chatId }, { _id: chatId, title: "Long", model: "demo" });
  deployment.answer("messages:list", { chatId }, messages(500, 1_500));
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
  vi.unstubAllGlobals();
});

test("a chat with more messages than the server lists at a time says that the earlier ones are not shown", () => {
  // Versions of one message, of which only one is shown: thousands of rows would take this test's time.
  const newest = (count: number) => messages(9_000 - count, 9_000).map((one) => ({ ...one, parentId: null }));
  act(() => deployment.answer("messages:list", { chatId }, newest(1_000)));
  for (let limit = 2_000; limit <= 8_000; limit += 1_000) {
    fireEvent.click(screen.getByRole("button", { name: "Load earlier ones" }));
    act(() => deployment.answer("messages:list", { chatId, limit }, newest(limit)));
  }
  expect(screen.queryByTestId("load-earlier")).toBeNull();
  expect(screen.getByTestId("earlier-not-shown").textContent).toContain("newest 8,000 messages");
});

test("a chat with more messages than are listed says so, and brings the earlier ones", () => {
  expect(items()).toBe(1_000);
  fireEvent.click(screen.getByRole("button", { name: "Load earlier ones" }));
  expect(items()).toBe(1_000);
  expect(screen.getByTestId("load-earlier").textContent).toBe("Loading…");
  act(() => deployment.answer("messages:list", { chatId, limit: 2_000 }, messages(0, 1_500)));
  expect(items()).toBe(1_500);
  expect(screen.queryByTestId("load-earlier")).toBeNull();
});
