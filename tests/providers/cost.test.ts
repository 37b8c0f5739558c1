import { expect, test } from "vitest";
import { catalogue } from "../../convex/providers/catalogue.ts";
import { costUsd } from "../../convex/providers/cost.ts";

const usage = {
  inputTokens: 1_000_000,
  outputTokens: 100_000,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 90_000,
};

test("input and output are billed at their prices; reasoning is part of the output and not billed again", () => {
  expect(costUsd(usage, { input: 2, output: 10, seen: "2026-10" })).toBeCloseTo(3);
});

test("cached input is billed at its own price and not a second time as input", () => {
  const price = { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5, seen: "2026-10" };
  const cached = { ...usage, cacheReadTokens: 600_000, cacheWriteTokens: 200_000 };
  expect(costUsd(cached, price)).toBeCloseTo(0.2 * 2 + 0.6 * 0.1 + 0.2 * 2.5 + 1);
});

test("a cache without price of its own costs what input costs", () => {
  const cached = { ...usage, cacheReadTokens: 600_000 };
  expect(costUsd(cached, { input: 2, output: 10, seen: "2026-10" })).toBeCloseTo(3);
});

test("every model has an id of its own, and every price says when it was seen", () => {
  const ids = catalogue.map((model) => model.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { price } of catalogue) {
    expect(price === null || /^\d{4}-\d{2}$/.test(price.seen)).toBe(true);
  }
});
