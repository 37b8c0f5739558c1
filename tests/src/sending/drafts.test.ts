import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Drafts, editDraftKey } from "../../../src/sending/drafts.ts";
import { givenBackId } from "../../../src/sending/givenBack.ts";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});
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

  test("is each tab's own, over a reload too, and the last one written is there for the tabs to come", () => {
    const [one, other] = [tabStorage(), tabStorage()];
    const open = (tab: Storage) => {
      vi.stubGlobal("sessionStorage", tab);
      return new Drafts();
    };
    open(one).write("c9", "typed in one");
    expect(open(other).get("c9").text).toBe("typed in one");
    open(other).write("c9", "typed in the other");
    expect(open(one).get("c9").text).toBe("typed in one");
    open(one).write("c9", "");
    expect(open(other).get("c9").text).toBe("typed in the other");
    expect(open(tabStorage()).get("c9").text).toBe("typed in the other");
  });

  test("of an editor opens it again after a reload, and in no other tab", () => {
    const [one, other] = [tabStorage(), tabStorage()];
    vi.stubGlobal("sessionStorage", one);
    new Drafts().write(editDraftKey("m1"), "changed");
    expect(new Drafts().get(editDraftKey("m1")).text).toBe("changed");
    vi.stubGlobal("sessionStorage", other);
    expect(new Drafts().get(editDraftKey("m1")).text).toBe("");
  });

  test("that came back leaves its composer when the server turns out to have it, and nothing else does", () => {
    const typed = new Drafts();
    typed.write("c9", "typed since");
    typed.giveBackRequest("c9", { clientRequestId: "r1", text: "sent" }, "why");
    typed.giveBackRequest("c8", { clientRequestId: "r2", text: "other" }, "why");
    typed.dropReceived(new Set(["r0", "r1"]));
    expect(typed.get("c9")).toEqual({ text: "typed since", problem: null });
    expect(typed.get("c8")).toEqual({ text: "other", problem: "why" });
    typed.write("c8", "other, and changed");
    typed.dropReceived(new Set(["r2"]));
    expect(typed.get("c8").text).toBe("other, and changed");
  });

  test("that came back keeps its request's id until it is sent, whatever another tab sends from the same chat", () => {
    const typed = new Drafts();
    typed.giveBackRequest("c9", { clientRequestId: "r1", text: "sent" }, "why");
    vi.stubGlobal("sessionStorage", tabStorage());
    const elsewhere = new Drafts();
    elsewhere.write("c9", "something else");
    elsewhere.write("c9", "");
    expect(givenBackId("c9", "sent")).toBe("r1");
    expect(givenBackId("c9", "another text")).toBeNull();
    typed.write("c9", "");
    expect(givenBackId("c9", "sent")).toBeNull();
  });

  test("that came back and then waits for a reply is sent under its request's id, which the server may know", () => {
    const typed = new Drafts();
    typed.giveBackRequest("c9", { clientRequestId: "r1", text: "sent" }, "why");
    typed.holdBack("c9", "reply");
    expect(typed.get("c9").heldBack).toMatchObject({ clientRequestId: "r1" });
    typed.write("c9", "sent, and more");
    typed.holdBack("c9", "reply");
    expect(typed.get("c9").heldBack?.clientRequestId).not.toBe("r1");
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

test("a text that the tab could not keep is not sent by itself after a reload: what stands there may be another's", () => {
  const tab = tabStorage();
  const setItem = tab.setItem.bind(tab);
  vi.stubGlobal("sessionStorage", tab);
  tab.setItem = (key, value) => {
    if (value.includes("of mine"))
      throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
    setItem(key, value);
  };
  const typed = new Drafts();
  typed.write("c9", "of mine");
  typed.holdBack("c9", "reply");
  vi.stubGlobal("sessionStorage", tabStorage());
  new Drafts().write("c9", "of another tab");
  vi.stubGlobal("sessionStorage", tab);
  expect(new Drafts().get("c9")).toEqual({ text: "of another tab", problem: null });
});

/** What one tab of the browser keeps. */
function tabStorage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    removeItem: (key: string) => kept.delete(key),
    setItem: (key: string, value: string) => kept.set(key, value),
  } as unknown as Storage;
}

function fullStorage(): Storage {
  return {
    getItem: () => null,
    removeItem: () => {},
    setItem: () => {
      throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
    },
  } as unknown as Storage;
}
