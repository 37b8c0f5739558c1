import { act, cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConvexProvider } from "convex/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { App } from "../../../src/App.tsx";
import { groupByDay } from "../../../src/shell/chatGroups.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

let deployment: FakeDeployment;

function open(path: string): void {
  history.replaceState(null, "", path);
  render(
    <ConvexProvider client={deployment.client}>
      <App />
    </ConvexProvider>,
  );
}

beforeEach(() => {
  localStorage.clear();
  deployment = new FakeDeployment();
  deployment.answer("models:list", {}, []);
  deployment.answer("chats:listChats", { limit: 200 }, [
    { _id: "c1", title: "First chat", status: "idle", updatedAt: Date.now() },
    { _id: "c2", title: "Second chat", status: "replying", updatedAt: Date.now() },
  ]);
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

describe("the frame", () => {
  test("lists the chats and marks the one that is replying", () => {
    open("/");
    const items = within(screen.getByTestId("chat-list")).getAllByTestId("chat-item");
    expect(items.map((item) => item.textContent)).toEqual([
      "First chat",
      "Second chatA reply is being written",
    ]);
  });

  test("keeps the chosen theme", async () => {
    open("/");
    await userEvent.setup().click(screen.getByRole("radio", { name: "Dark" }));
    expect(document.documentElement.dataset["theme"]).toBe("dark");
    expect(localStorage.getItem("duet.theme")).toBe("dark");
    await userEvent.setup().click(screen.getByRole("radio", { name: "As the system" }));
    expect(document.documentElement.dataset["theme"]).toBeUndefined();
  });

  test("says when the connection has been gone for a while, not at once", () => {
    vi.useFakeTimers();
    open("/");
    act(() => deployment.setConnected(false));
    expect(screen.queryByTestId("connection-notice")).toBeNull();
    act(() => {
      vi.advanceTimersByTime(1_500);
    });
    expect(screen.getByTestId("connection-notice").textContent).toContain("Reconnecting");
    act(() => deployment.setConnected(true));
    expect(screen.queryByTestId("connection-notice")).toBeNull();
  });

  test("says which variable to set when no model can answer, and to Enter that nothing was sent", async () => {
    const unavailableReason = "Set OPENAI_API_KEY.";
    const model = { id: "m", label: "M", provider: "openai", available: false, isDefault: false };
    deployment.answer("models:list", {}, [{ ...model, unavailableReason }]);
    open("/");
    expect(screen.getByText("Set OPENAI_API_KEY.")).toBeTruthy();
    await userEvent.setup().type(screen.getByTestId("composer"), "Hello{Enter}");
    expect(screen.getByRole("alert").textContent).toContain("Not sent: no model is set up yet.");
    expect(screen.getByTestId<HTMLTextAreaElement>("composer").value).toBe("Hello");
  });

  test("an address that leads nowhere says so", () => {
    open("/nowhere/at/all");
    expect(screen.getByRole("heading", { name: "Nothing here" })).toBeTruthy();
  });
});

test("chats are grouped by the days of the calendar", () => {
  const today = new Date(2026, 10, 21);
  const at = (day: number, hour: number) => ({ updatedAt: new Date(2026, 10, day, hour).getTime() });
  const chats = [at(21, 1), at(20, 23), at(20, 0), at(14, 0), at(13, 23)];
  expect(groupByDay(chats, today).map(({ heading, chats: grouped }) => [heading, grouped.length])).toEqual([
    ["Today", 1],
    ["Yesterday", 2],
    ["Last 7 days", 1],
    ["Earlier", 1],
  ]);
});
