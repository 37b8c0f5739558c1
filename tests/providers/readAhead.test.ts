/** What waits for a slow reader of a provider's stream, and how much of it may. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Provider } from "../../convex/providers/provider.ts";
import { readingAhead } from "../../convex/providers/readAhead.ts";
import { collect, oneTurn } from "../support/providerEvents.ts";

const stretch = "x".repeat(500_000);
const stretches = 20;

function talkative(): { provider: Provider; said: () => number } {
  let said = 0;
  const provider: Provider = {
    async *stream() {
      for (; said < stretches; said++) yield { kind: "text", text: stretch };
    },
  };
  return { provider: readingAhead(provider), said: () => said };
}

test("a model that talks without an end is not read on before its reader has caught up", async () => {
  const { provider, said } = talkative();
  const events = provider.stream(oneTurn, new AbortController().signal)[Symbol.asyncIterator]();
  expect((await events.next()).value).toEqual({ kind: "text", text: stretch });
  await nextTurn();
  const saidMeanwhile = said();
  expect(saidMeanwhile).toBeGreaterThan(2);
  expect(saidMeanwhile).toBeLessThan(8);
  let rest = "";
  for (let next = await events.next(); !next.done; next = await events.next())
    rest += next.value.kind === "text" ? next.value.text : "";
  expect(rest.length).toBe(stretch.length * (stretches - 1));
});

test("all of it comes, in its order, with the end behind it", async () => {
  const { text, error } = await collect(talkative().provider);
  expect([text.length, error]).toEqual([stretch.length * stretches, null]);
});
