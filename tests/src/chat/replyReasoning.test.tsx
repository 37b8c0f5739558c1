/** The way to a model's thoughts, on the screen of a driver and of somebody who reads along. */
import { act, cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { ConvexProvider } from "convex/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LiveReply } from "../../../src/chat/LiveReply.tsx";
import type { ListedReply, ReplyRow } from "../../../src/chat/conversationRows.ts";
import { replyStores } from "../../../src/streaming/replyStores.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

let deployment: FakeDeployment;
let count = 0;
let streamId: string;

beforeEach(() => {
  deployment = new FakeDeployment();
  count += 1;
  streamId = `thinking-${count}`;
});
afterEach(cleanup);

function shownReply(change: { status?: "complete"; hasReasoning?: true } = {}) {
  const reply = {
    streamId,
    status: "running",
    attempt: 1,
    model: "demo",
    error: null,
    usage: null,
    costUsd: null,
    finishReason: null,
    continues: null,
    ...change,
  } as ListedReply;
  const row: ReplyRow = {
    kind: "reply",
    key: streamId,
    messageId: null,
    reply,
    model: "demo",
    clientRequestId: null,
    beginsWith: null,
    versions: { place: "top", ids: [], index: 0 },
  };
  return (
    <StrictMode>
      <ConvexProvider client={deployment.client}>
        <LiveReply row={row} reply={reply} control={null} />
      </ConvexProvider>
    </StrictMode>
  );
}

const disclosure = () => screen.queryByRole("button", { name: /^Thinking/ });
const status = () => screen.queryByTestId("reply-state")?.textContent;
const asked = () => deployment.subscribed("reasoning:get");

function answerThoughts(...texts: string[]) {
  let from = 0;
  const thoughts = texts.map((text, place) => {
    from += text.length;
    return { place, from: from - text.length, text };
  });
  const next = { part: 0, from: 0 };
  deployment.answer("reasoning:get", { streamId }, { thoughts, next, isTruncated: false });
}

describe("somebody who reads along", () => {
  test("sees nothing of thoughts where there are none", () => {
    render(shownReply());
    expect(disclosure()).toBeNull();
  });

  test("asks for the thoughts only while they are open, and sees them grow", async () => {
    const user = userEvent.setup();
    render(shownReply({ hasReasoning: true }));
    expect(disclosure()?.getAttribute("aria-expanded")).toBe("false");
    expect(asked()).toEqual([]);
    await user.click(disclosure() as HTMLElement);
    expect(disclosure()?.getAttribute("aria-expanded")).toBe("true");
    expect(asked()).toEqual([{ streamId }]);
    act(() => answerThoughts("Let me think."));
    const region = screen.getByRole("region", { name: "What the model thought" });
    expect(region.textContent).toBe("Let me think.");
    act(() => answerThoughts("Let me think. Yes.", "And then?"));
    expect([...region.querySelectorAll("p")].map((p) => p.textContent)).toEqual([
      "Let me think. Yes.",
      "And then?",
    ]);
    await user.click(disclosure() as HTMLElement);
    expect(asked()).toEqual([]);
  });

  test("is told at once that the model thinks, where it is known that it has said nothing yet", () => {
    render(shownReply({ hasReasoning: true }));
    expect([disclosure()?.textContent, status()]).toEqual(["Thinking", "Waiting for the model…"]);
    const tail = { attempt: 1, from: 0, text: "", status: "running" };
    act(() => deployment.answer("messages:getTail", { streamId }, tail));
    expect([disclosure()?.textContent, status()]).toEqual(["Thinking…", "Thinking…"]);
    act(() => deployment.answer("messages:getTail", { streamId }, { ...tail, text: "42" }));
    expect([disclosure()?.textContent, status()]).toEqual(["Thinking", "Writing…"]);
  });

  test("reads what is final once, and goes on behind it without a gap", async () => {
    const user = userEvent.setup();
    render(shownReply({ hasReasoning: true }));
    await user.click(disclosure() as HTMLElement);
    const region = screen.getByRole("region", { name: "What the model thought" });
    const shown = () => [...region.querySelectorAll("p")].map((p) => p.textContent);
    const thoughts = [
      { place: 0, from: 0, text: "Full." },
      { place: 3, from: 5, text: "Full too. New" },
    ];
    const next = { part: 1, from: 15 };
    act(() => deployment.answer("reasoning:get", { streamId }, { thoughts, next, isTruncated: false }));
    expect(asked()).toEqual([{ streamId, fromPart: 1 }]);
    expect(shown()).toEqual(["Full.", "Full too. New"]);
    const more = [
      { place: 3, from: 15, text: "Newer." },
      { place: 9, from: 21, text: "Last." },
    ];
    act(() =>
      deployment.answer(
        "reasoning:get",
        { streamId, fromPart: 1 },
        { thoughts: more, next, isTruncated: false },
      ),
    );
    expect(asked()).toEqual([{ streamId, fromPart: 1 }]);
    expect(shown()).toEqual(["Full.", "Full too. Newer.", "Last."]);
  });

  test("of a reply that has ended is not told that the model thinks", () => {
    render(shownReply({ hasReasoning: true, status: "complete" }));
    act(() => {
      const store = replyStores.get(streamId);
      store.receiveBody({ text: "42", status: "done" });
    });
    expect(disclosure()?.textContent).toBe("Thinking");
  });
});

describe("the driver", () => {
  test("sees the thoughts as they come, without asking the database", async () => {
    const user = userEvent.setup();
    const feed = replyStores.get(streamId).beginDriving(new AbortController());
    feed?.onEvent({ kind: "start", attempt: 1, from: 0 });
    feed?.onEvent({ kind: "reasoning", offset: 0, text: "Let me " });
    render(shownReply());
    expect([disclosure()?.textContent, status()]).toEqual(["Thinking…", "Thinking…"]);
    await user.click(disclosure() as HTMLElement);
    const region = screen.getByRole("region", { name: "What the model thought" });
    expect(region.textContent).toBe("Let me ");
    act(() => feed?.onEvent({ kind: "reasoning", offset: 7, text: "think." }));
    await screen.findByText("Let me think.");
    act(() => feed?.onEvent({ kind: "text", offset: 0, text: "42" }));
    await screen.findByRole("button", { name: "Thinking" });
    expect(asked()).toEqual([]);
  });

  test("that loses its stream goes on from the database, behind what it heard", async () => {
    const user = userEvent.setup();
    const connection = new AbortController();
    const feed = replyStores.get(streamId).beginDriving(connection);
    feed?.onEvent({ kind: "start", attempt: 1, from: 0 });
    feed?.onEvent({ kind: "reasoning", offset: 0, text: "Let me think" });
    feed?.onEnd({ kind: "cut" });
    render(shownReply({ hasReasoning: true }));
    await user.click(disclosure() as HTMLElement);
    const region = screen.getByRole("region", { name: "What the model thought" });
    expect(region.textContent).toBe("Let me think");
    act(() => answerThoughts("Let me"));
    expect(region.textContent).toBe("Let me think");
    act(() => answerThoughts("Let me think again."));
    expect(region.textContent).toBe("Let me think again.");
  });
});
