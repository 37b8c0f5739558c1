/** The rules by which the browser tests judge a handover: each can be broken, and says so. */
import { expect, inject, test, vi } from "vitest";
import { launchBrowser } from "../support/chromium.ts";
import { watchForProblems } from "../support/pageProblems.ts";
import type { SeenReply } from "../support/replySampler.ts";
import { seams } from "../support/seams.ts";

type Shown = NonNullable<SeenReply["shown"]>;

const writing: Shown = { text: "", status: "running", words: "Writing…", hasSkeleton: false, scrollTop: 0 };
const whole = "one two three";

const at = (text: string, rest: Partial<Shown> = {}, load = 1): SeenReply => ({
  load,
  shown: { ...writing, text, ...rest },
});
const end = at(whole, { status: "complete", words: "" });
const absent: SeenReply = { load: 1, shown: null };

test("a reply that grows to its whole text, over a reload too, has no seam", () => {
  const thinking = at("", { words: "Thinking…" });
  const loading = at("", { hasSkeleton: true }, 2);
  expect(seams([thinking, at("one"), loading, at("one", {}, 2), { ...end, load: 2 }], whole)).toEqual([]);
});

test.each<[string, SeenReply[], RegExp]>([
  ["a shorter text", [at("one two"), at("one"), end], /shrank from 6 to 3/],
  ["a text twice", [at("one two one two"), end], /not what the model sent/],
  ["a shorter text after a reload", [at("one two"), at("one", {}, 2), { ...end, load: 2 }], /shrank/],
  ["an empty place", [at("one"), at(""), end], /was empty after 3/],
  ["a skeleton after text", [at("one"), at("", { hasSkeleton: true }), end], /a skeleton in its place/],
  ["a skeleton beside text", [at("one", { hasSkeleton: true }), end], /a skeleton stood beside/],
  ["an end without all of its text", [at("one"), at("one two")], /has 6 of 11/],
  ["a reply that vanishes", [at("one"), absent, end], /vanished/],
  [
    "a flash of an error",
    [at("one"), at("one", { status: "failed", words: "Failed" }), end],
    /came after “failed”/,
  ],
  [
    "an end that is taken back",
    [at("one", { status: "stopped", words: "Stopped" }), at("one"), end],
    /“writing” came after/,
  ],
  [
    "a return to thinking",
    [at("one"), at("one", { words: "Thinking…" }), end],
    /“thinking” came after “writing”/,
  ],
  ["unknown words", [at("one", { words: "Oops" }), end], /with the words “Oops”/],
  ["a live reply without words", [at("one", { words: "" }), end], /a running reply with the words “”/],
  ["a jump", [at("one", { scrollTop: 30 }), at("one two", { scrollTop: 4 }), end], /jumped up by 26 pixels/],
])("%s is a seam", (_what, seen, sentence) => {
  expect(seams(seen, whole)).toContainEqual(expect.stringMatching(sentence));
});

test("of markdown only the letters count, in the order of the rendered reply", () => {
  const seen = [at("| a | b |"), at("ab"), at("ab c", { status: "complete", words: "" })];
  expect(seams(seen, "ab c", { text: "markdown" })).toEqual([]);
  expect(seams(seen, "ab c")).not.toEqual([]);
});

test("errors in a page and in its console are problems, the browser's notes about the network are not", async () => {
  const browser = await launchBrowser(inject("browser"));
  const page = await browser.newPage();
  const problems: string[] = [];
  watchForProblems(page, problems);
  await page.goto("data:text/html,<img src='http://127.0.0.1:1/'>");
  await page.evaluate(() => {
    console.error("Maximum update depth exceeded");
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
  });
  await vi.waitUntil(() => problems.length >= 2, { timeout: 30_000 });
  expect(problems).toHaveLength(2);
  expect(problems.join()).toMatch(/Maximum update depth exceeded/);
  expect(problems.join()).toMatch(/nobody catches this/);
  await browser.close();
});
