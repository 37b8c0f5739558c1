import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { JumpToLatest } from "../../../src/chat/JumpToLatest.tsx";
import { useStickToBottom } from "../../../src/chat/useStickToBottom.ts";
import { LaidOutScroller, observeSizesByFrame } from "./laidOutScroller.ts";

let conversation: LaidOutScroller;

function Conversation() {
  const { scrollerRef, status, jumpToEnd } = useStickToBottom();
  return (
    <>
      <div ref={scrollerRef} data-testid="conversation">
        <div />
      </div>
      <JumpToLatest isShown={status === "away"} onJump={jumpToEnd} />
    </>
  );
}

function grow(px: number): void {
  conversation.contentPx += px;
  conversation.frame();
}

const jump = () => screen.queryByTestId("jump-to-latest");

beforeEach(() => {
  observeSizesByFrame();
  render(
    <StrictMode>
      <Conversation />
    </StrictMode>,
  );
  conversation = new LaidOutScroller(screen.getByTestId("conversation"), 600);
  grow(2_000);
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe("a reader at the end", () => {
  test("begins there and stays there while the reply grows", () => {
    for (const px of [24, 24, 400, 1, 3_000]) {
      expect(conversation.fromEndPx).toBe(0);
      grow(px);
    }
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
  });

  test("stays there when the view becomes higher in the moment in which the reply grows", () => {
    conversation.viewPx = 660;
    // Something asks for the layout, in which the browser moves what would lie below the end.
    conversation.scrollBy(0);
    grow(24);
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
  });

  test("stays there when the view becomes smaller or the reply shorter", () => {
    conversation.viewPx = 300;
    conversation.frame();
    expect(conversation.fromEndPx).toBe(0);
    grow(-700);
    grow(100);
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
  });

  test("is not taken for one who left when text comes before the scroll event of the last move", () => {
    grow(300);
    conversation.contentPx += 300;
    conversation.frame();
    conversation.frame();
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
  });
});

describe("a reader who scrolled up", () => {
  beforeEach(() => {
    conversation.scrollBy(-200);
    conversation.frame();
  });

  test("is left alone while the reply grows, and offered the way back", () => {
    const place = conversation.fromTopPx;
    for (const px of [24, 400, 3_000]) grow(px);
    expect(conversation.fromTopPx).toBe(place);
    expect(jump()).not.toBeNull();
  });

  test("is left alone on the way down, too, until the end is reached", () => {
    grow(1_000);
    conversation.scrollBy(500);
    grow(100);
    expect(conversation.fromEndPx).toBe(800);
    conversation.scrollBy(800);
    conversation.frame();
    expect(jump()).toBeNull();
    grow(500);
    expect(conversation.fromEndPx).toBe(0);
  });

  test("jumps to the latest and follows it again", () => {
    grow(1_000);
    fireEvent.click(screen.getByTestId("jump-to-latest"));
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
    grow(500);
    expect(conversation.fromEndPx).toBe(0);
    expect(jump()).toBeNull();
  });

  test("leaves in the same frame in which text comes", () => {
    fireEvent.click(screen.getByTestId("jump-to-latest"));
    conversation.frame();
    conversation.scrollBy(-200);
    const place = conversation.fromTopPx;
    grow(500);
    expect(conversation.fromTopPx).toBe(place);
    expect(jump()).not.toBeNull();
  });
});

test("a reader who scrolls up slowly gets away from text that comes in every frame", () => {
  const place = conversation.fromTopPx;
  for (let frames = 1; frames <= 10; frames += 1) {
    conversation.scrollBy(-5);
    grow(24);
    expect(conversation.fromTopPx).toBe(place - 5 * frames);
  }
  expect(jump()).not.toBeNull();
});

test("the browser keeps the place of a reader who scrolled up, and leaves the end to the follower", () => {
  const anchoring = () => screen.getByTestId("conversation").style.overflowAnchor;
  expect(anchoring()).toBe("none");
  conversation.scrollBy(-200);
  conversation.frame();
  expect(anchoring()).toBe("auto");
  fireEvent.click(screen.getByTestId("jump-to-latest"));
  expect(anchoring()).toBe("none");
});

test("nothing is observed any more once the page is gone", () => {
  const place = conversation.fromTopPx;
  cleanup();
  grow(500);
  expect(conversation.fromTopPx).toBe(place);
});
