import { expect, test } from "vitest";
import { heardThought, mergeReasoning, type LiveReasoning } from "../../../src/streaming/mergeReasoning.ts";

function heard(...events: [offset: number, place: number, text: string][]): LiveReasoning | null {
  let live: LiveReasoning | null = null;
  for (const [offset, place, text] of events) live = heardThought(live, offset, { place, text });
  return live;
}

test("thoughts that are heard join by their offset and part by their place", () => {
  expect(heard([0, 0, "Let me "], [7, 0, "think."], [13, 40, "Now?"])).toEqual({
    from: 0,
    length: 17,
    thoughts: [
      { place: 0, text: "Let me think." },
      { place: 40, text: "Now?" },
    ],
  });
});

test("what was heard before adds nothing, and a gap makes a new beginning", () => {
  expect(heard([0, 0, "One"], [0, 0, "One"], [2, 0, "e two"])).toMatchObject({ length: 7 });
  expect(heard([0, 0, "One"], [9, 0, "three"])).toMatchObject({ from: 9, length: 5 });
});

test("the heard goes on where the persisted ends", () => {
  const persisted = [{ place: 0, text: "Let me think. " }];
  expect(mergeReasoning(persisted, heard([4, 0, "me think. Yes."], [18, 5, "No."]))).toEqual([
    { place: 0, text: "Let me think. Yes." },
    { place: 5, text: "No." },
  ]);
});

test("without anything heard, with a gap before it, or where they differ, the persisted is shown", () => {
  const persisted = [{ place: 0, text: "abc" }];
  expect(mergeReasoning(persisted, null)).toBe(persisted);
  expect(mergeReasoning(persisted, heard([5, 0, "xyz"]))).toBe(persisted);
  expect(mergeReasoning(persisted, heard([1, 0, "xyz"]))).toBe(persisted);
});

test("a persisted reasoning that is longer than what was heard is shown whole", () => {
  const persisted = [{ place: 0, text: "abcdef" }];
  const merged = mergeReasoning(persisted, heard([0, 0, "abc"]));
  expect(merged).toEqual(persisted);
});
