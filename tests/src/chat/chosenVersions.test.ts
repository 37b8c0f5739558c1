import { expect, test } from "vitest";
import { chosenVersions } from "../../../src/chat/chosenVersions.ts";

test("choices are kept for their chat alone, and removed when there are none", () => {
  chosenVersions.set("one", new Map([["ask", "first"]]));
  expect(chosenVersions.of("one")).toEqual(new Map([["ask", "first"]]));
  expect(chosenVersions.of("two")).toEqual(new Map());
  expect(sessionStorage.getItem("duet.versions.one")).toBe('[["ask","first"]]');
  chosenVersions.set("one", new Map());
  expect(sessionStorage.getItem("duet.versions.one")).toBeNull();
});

test.each(["{", "7", '{"ask":"first"}', '[["ask"],["ask",1],["ask","first","x"],null]'])(
  "a storage that holds %s chooses nothing",
  (written) => {
    const chatId = `foreign ${written}`;
    sessionStorage.setItem(`duet.versions.${chatId}`, written);
    expect(chosenVersions.of(chatId)).toEqual(new Map());
  },
);

test("the same map is given until something is chosen, so that nothing is rendered for nothing", () => {
  expect(chosenVersions.of("quiet")).toBe(chosenVersions.of("quiet"));
});
