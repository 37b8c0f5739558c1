import { expect, test } from "vitest";
import { answer } from "../../demo/answers/answer.ts";
import type { Turn } from "../../demo/conversation.ts";
import { planReply } from "../../demo/replyPlan.ts";
import { tokenise } from "../../demo/tokenise.ts";

/** Turns that alternate, the person first. */
function conversation(...texts: string[]): Turn[] {
  return texts.map((text, index) => ({ role: index % 2 === 0 ? "user" : "assistant", text }));
}

function planFor(...texts: string[]) {
  return planReply({
    wire: "openai",
    model: "demo",
    system: "",
    turns: conversation(...texts),
    stream: true,
    includeUsage: false,
    isBackground: false,
    maxTokens: null,
  });
}

test("it knows what was said first", () => {
  expect(answer(conversation("Tell me about otters", "Otters swim.", "What did I say first?"))).toContain(
    "Tell me about otters",
  );
});

test("it knows what it said itself", () => {
  expect(answer(conversation("Tell me about otters", "Otters swim.", "What did you just say?"))).toContain(
    "> Otters swim.",
  );
});

test.each([
  ["Hi, my name is Ada and I like trains.", "What is my name?", "Ada"],
  ["I'm Bob", "Do you remember my name?", "Bob"],
  ["My favourite colour is teal.", "What's my favourite colour?", "teal"],
])("told “%s” and asked “%s” it answers %s", (told, asked, expected) => {
  expect(answer(conversation(told, "Noted.", "Tell me about tea", "Tea is…", asked))).toContain(
    `**${expected}**`,
  );
});

test("it says so when it was not told", () => {
  expect(answer(conversation("What is my name?"))).toContain("do not know your name");
});

test("a summary has every message of the person in it", () => {
  const summary = answer(
    conversation("Tell me about otters", "Swim.", "And whales?", "Dive.", "Summarise our chat"),
  );
  expect(summary).toContain("otters");
  expect(summary).toContain("whales");
  expect(summary).toContain("Dive.");
});

test.each([
  ["Count to 5", "1, 2, 3, 4, 5."],
  ["count from 3 to 6 please", "3, 4, 5, 6."],
  ["Count down from 3", "3, 2, 1."],
  ["What is 12 * 7?", "84"],
  ["Show me some python", "```python"],
  ["Write a poem about the sea", "The sea"],
  ["Make a table of the planets", "| Neptune |"],
  ["Give me 3 tips for better sleep", "3. **"],
  ["How do I connect a real model?", "OPENAI_API_KEY"],
])("%s", (asked, expected) => {
  expect(answer(conversation(asked))).toContain(expected);
});

test("different questions get different answers, the same one the same", () => {
  const asks = ["Tell me about bees", "Tell me about rain", "Why is the sky blue?", "Tell me about jazz"];
  expect(new Set(asks.map((ask) => answer(conversation(ask)))).size).toBe(asks.length);
  expect(answer(conversation("Tell me about bees"))).toBe(answer(conversation("Tell me about bees")));
});

const continueInstruction = "Continue exactly where your last message broke off. Do not repeat anything.";

test("a request to continue gets exactly the rest", () => {
  const whole = planFor("Tell me about bees [demo tokens=200]").wholeText;
  const partial = whole.slice(0, 333);
  const plan = planFor("Tell me about bees [demo tokens=200]", partial, continueInstruction);
  expect(partial + plan.tokens.join("")).toBe(whole);
  expect(plan.wholeText).toBe(whole);
  expect(plan.isContinuation).toBe(true);
});

test("a reply that broke off twice is continued from both parts", () => {
  const whole = planFor("Tell me about bees").wholeText;
  const [first, second] = [whole.slice(0, 100), whole.slice(100, 250)];
  const plan = planFor("Tell me about bees", first, continueInstruction, second, continueInstruction);
  expect(first + second + plan.tokens.join("")).toBe(whole);
});

test("a continuation repeats the last characters when it is told to overlap", () => {
  const ask = "Tell me about bees [demo overlap=40]";
  const whole = planFor(ask).wholeText;
  expect(planFor(ask, whole.slice(0, 200), continueInstruction).tokens.join("")).toBe(whole.slice(160));
});

test("asked to go on after a complete reply it says something more", () => {
  const whole = planFor("Tell me about bees").wholeText;
  const plan = planFor("Tell me about bees", whole, "Please continue");
  expect(plan.tokens.length).toBeGreaterThan(20);
  expect(plan.wholeText.startsWith(whole)).toBe(true);
});

test("tokens join to the text and never split a surrogate pair", () => {
  const text = "Ein Wort, 日本語 und 👩‍👩‍👧‍👦!\n\n- `code`\tende  𠮷";
  const tokens = tokenise(text);
  expect(tokens.join("")).toBe(text);
  expect(tokens.every((token) => token.isWellFormed())).toBe(true);
});

test("no stretch that a reader could take for a doubled one follows itself", () => {
  for (let seed = 0; seed < 40; seed += 1) {
    for (const form of ["plain", "markdown"]) {
      const { wholeText } = planFor(`Tell me about rivers ${seed} [demo tokens=900 text=${form}]`);
      expect(wholeText).not.toMatch(/(.{20,200})\s*\1/s);
    }
  }
});
