import { act, cleanup, render } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConversationContent } from "../../../src/chat/ConversationContent.tsx";
import type { ConversationRow } from "../../../src/chat/conversationRows.ts";
import type { Id } from "../../../convex/_generated/dataModel.js";

const renders = new Map<string, number>();
vi.mock("../../../src/chat/MessageRow.tsx", () => ({
  MessageRow: ({ row }: { row: ConversationRow }) => {
    renders.set(row.key, (renders.get(row.key) ?? 0) + 1);
    return <p>{row.key}</p>;
  },
}));

let idle: (() => void)[];
let observed: Map<Element, (isIntersecting: boolean) => void>;

/** The page says that it is idle, once. */
function beIdle(): void {
  act(() => {
    for (const callback of idle.splice(0)) callback();
  });
}

beforeEach(() => {
  renders.clear();
  idle = [];
  observed = new Map();
  vi.stubGlobal("requestIdleCallback", (callback: () => void) => idle.push(callback));
  class Observer {
    private readonly callback: (entries: { isIntersecting: boolean; target: Element }[]) => void;
    constructor(callback: (entries: { isIntersecting: boolean; target: Element }[]) => void) {
      this.callback = callback;
    }
    observe(target: Element) {
      observed.set(target, (isIntersecting) => this.callback([{ isIntersecting, target }]));
    }
    unobserve(target: Element) {
      observed.delete(target);
    }
    disconnect() {}
  }
  vi.stubGlobal("IntersectionObserver", Observer);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

/** New objects each time, as each answer of the server is. */
function rows(count: number, lastStatus: "running" | "complete" = "complete"): ConversationRow[] {
  return Array.from({ length: count }, (_, index) => ({
    kind: "reply",
    key: `row${index}`,
    messageId: `m${index}` as Id<"messages">,
    model: "demo",
    versions: { place: "", ids: [], index: 0 },
    clientRequestId: null,
    beginsWith: null,
    reply: {
      streamId: `s${index}`,
      status: index === count - 1 ? lastStatus : "complete",
      attempt: 1,
      model: "demo",
      error: null,
      finishReason: null,
      continues: null,
      usage: null,
      costUsd: null,
    },
  }));
}

function page(shown: ConversationRow[]) {
  return (
    <StrictMode>
      <div className="scroller">
        <ConversationContent
          conversation={{
            status: "ready",
            chat: null,
            rows: shown,
            tree: [],
            earlier: { status: "none" },
          }}
          control={null}
          onChooseExample={() => undefined}
        />
      </div>
    </StrictMode>
  );
}

const made = (container: HTMLElement) =>
  [...container.querySelectorAll("li > p")].map((row) => row.textContent);

test("a long conversation opens with its newest turns, and the others follow while the page is idle, newest first", () => {
  const { container } = render(page(rows(40)));
  expect(container.querySelectorAll("li")).toHaveLength(40);
  const newest = made(container);
  expect(newest.at(-1)).toBe("row39");
  expect(newest.length).toBeLessThan(20);
  const next = `row${39 - newest.length}`;
  beIdle();
  expect(made(container)).toEqual([next, ...newest]);
  for (let ticks = 0; ticks < 40; ticks += 1) beIdle();
  expect(made(container)).toHaveLength(40);
  expect(idle).toEqual([]);
});

test("a turn is made before it comes into view, whatever waits", () => {
  const { container } = render(page(rows(40)));
  const [first] = container.querySelectorAll("li");
  act(() => observed.get(first as Element)?.(false));
  expect(made(container)).not.toContain("row0");
  act(() => observed.get(first as Element)?.(true));
  expect(made(container)[0]).toBe("row0");
});

test("the end of one reply, which lists all of them anew, renders that one again and no other", () => {
  const { rerender } = render(page(rows(10, "running")));
  renders.clear();
  rerender(page(rows(10, "complete")));
  expect([...renders.keys()]).toEqual(["row9"]);
});

test("nothing is waited for any more once the conversation is gone", () => {
  render(page(rows(40)));
  cleanup();
  for (let ticks = 0; ticks < 3; ticks += 1) beIdle();
  expect(idle).toEqual([]);
  expect(observed.size).toBe(0);
});
