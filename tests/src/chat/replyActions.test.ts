import { describe, expect, test } from "vitest";
import { maxContinuedLength } from "../../../convex/shared/continuation.ts";
import { replyActionsOf } from "../../../src/chat/replyActions.ts";

const reply = { finishReason: null, textLength: 10 } as const;

describe("what can be done with a reply", () => {
  test.each(["queued", "running", "recovering"] as const)(
    "that is %s: nothing but to wait or stop",
    (status) => {
      expect(replyActionsOf({ ...reply, status })).toEqual({ canContinue: false, another: "none" });
    },
  );

  test.each([
    ["complete", "stop", 10, false, "regenerate"],
    ["complete", "length", 10, true, "regenerate"],
    ["complete", "stop", 0, false, "retry"],
    ["stopped", null, 10, true, "regenerate"],
    ["stopped", null, 0, false, "retry"],
    ["interrupted", null, 10, true, "regenerate"],
    ["interrupted", null, 0, false, "retry"],
    ["failed", null, 10, true, "retry"],
    ["failed", null, 0, false, "retry"],
  ] as const)(
    "that is %s with finish reason %s and %d characters: continue %s, and %s",
    (status, finishReason, textLength, canContinue, another) => {
      expect(replyActionsOf({ status, finishReason, textLength })).toEqual({ canContinue, another });
    },
  );

  test("that is longer than the server goes on with: another one, from the start", () => {
    const stopped = { ...reply, status: "stopped" } as const;
    expect(replyActionsOf({ ...stopped, textLength: maxContinuedLength }).canContinue).toBe(true);
    expect(replyActionsOf({ ...stopped, textLength: maxContinuedLength + 1 })).toEqual({
      canContinue: false,
      another: "regenerate",
    });
  });
});
