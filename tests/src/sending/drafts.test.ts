import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Drafts } from "../../../src/sending/drafts.ts";

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

describe("a draft", () => {
  test("is there after a reload and gone when it is emptied", () => {
    new Drafts().write("c9", "half a thought");
    expect(new Drafts().get("c9").text).toBe("half a thought");
    new Drafts().write("c9", "");
    expect(new Drafts().get("c9").text).toBe("");
  });

  test("that comes back stands before what was typed since", () => {
    const typed = new Drafts();
    typed.write("c9", "second");
    typed.giveBack("c9", "first", "why");
    expect(typed.get("c9")).toEqual({ text: "first\n\nsecond", problem: "why" });
  });

  test("that the storage does not take is there as long as the page, which knows that it would lose it", () => {
    const typed = new Drafts();
    vi.stubGlobal("localStorage", fullStorage());
    typed.write("c9", "half a thought");
    expect(typed.get("c9").text).toBe("half a thought");
    expect(typed.hasUnkept).toBe(true);
    typed.write("c9", "");
    expect(typed.hasUnkept).toBe(false);
  });
});

function fullStorage(): Storage {
  return {
    getItem: () => null,
    removeItem: () => {},
    setItem: () => {
      throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
    },
  } as unknown as Storage;
}
