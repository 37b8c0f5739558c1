import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { usePacedText } from "../../../src/markdown/usePacedText.ts";

const long = "x".repeat(20_000);

function watch(text: string, isWriting: boolean) {
  return renderHook((props) => usePacedText(props.text, props.isWriting), {
    initialProps: { text, isWriting },
  });
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a text that is being written", () => {
  test("is rendered at once while it is short", () => {
    const { result, rerender } = watch("a", true);
    rerender({ text: "ab", isWriting: true });
    expect(result.current).toBe("ab");
  });

  test("never becomes shorter when it becomes long", () => {
    const { result, rerender } = watch("a", true);
    rerender({ text: long.slice(0, 7_999), isWriting: true });
    rerender({ text: long.slice(0, 8_001), isWriting: true });
    expect(result.current).toHaveLength(7_999);
  });

  test("follows after a pause when it is long, again and again, with what came last", () => {
    const { result, rerender } = watch(long, true);
    for (const next of [`${long}1`, `${long}2`]) {
      rerender({ text: `${next}?`, isWriting: true });
      rerender({ text: next, isWriting: true });
      expect(result.current).not.toBe(next);
      act(() => {
        vi.runAllTimers();
      });
      expect(result.current).toBe(next);
    }
  });

  test("is rendered whole when it ends", () => {
    const { result, rerender } = watch(long, true);
    rerender({ text: `${long}.`, isWriting: true });
    rerender({ text: `${long}. The end`, isWriting: false });
    expect(result.current).toBe(`${long}. The end`);
  });
});
