/** Which states of a reply a person sees over time. */
import { act, cleanup, renderHook } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { useReplyState, type KnownFacts } from "../../../src/chat/useReplyState.ts";
import type { ReplyState } from "../../../src/streaming/replyState.ts";
import { FakeDeployment } from "../fakeDeployment.ts";

const watched: KnownFacts = {
  status: "running",
  reader: "spectator",
  hasText: true,
  waitsForPlace: false,
  thinksAloud: false,
};

let deployment: FakeDeployment;

beforeEach(() => {
  vi.useFakeTimers();
  deployment = new FakeDeployment();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

/** Every state that was rendered, each change once. */
function watch(first: Partial<KnownFacts>) {
  const seen: ReplyState[] = [];
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <ConvexProvider client={deployment.client}>{children}</ConvexProvider>
    </StrictMode>
  );
  const useSeen = (known: KnownFacts) => {
    const state = useReplyState(known);
    if (seen.at(-1) !== state) seen.push(state);
  };
  const { rerender } = renderHook(useSeen, { wrapper, initialProps: { ...watched, ...first } });
  return { seen, becomes: (known: Partial<KnownFacts>) => rerender({ ...watched, ...known }) };
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

describe("a reply's state", () => {
  test("goes from sending over waiting to writing for the tab that drives, without a word of a queue", async () => {
    const { seen, becomes } = watch({ status: "queued", reader: "sending", hasText: false });
    await pass(1_400);
    becomes({ status: "queued", reader: "driver", hasText: false });
    await pass(500);
    becomes({ status: "running", reader: "driver", hasText: false });
    await pass(500);
    becomes({ status: "running", reader: "driver" });
    expect(seen).toEqual(["sending", "waiting", "writing"]);
  });

  test("is the queue for who waits longer than a moment, and says when all places are taken", async () => {
    const queued = { status: "queued", hasText: false } as const;
    const { seen, becomes } = watch(queued);
    await pass(999);
    expect(seen).toEqual(["waiting"]);
    await pass(1);
    becomes({ ...queued, waitsForPlace: true });
    becomes({ status: "running", hasText: false });
    await pass(2_499);
    expect(seen).toEqual(["waiting", "queued", "full", "waiting"]);
    await pass(1);
    becomes({});
    expect(seen.slice(4)).toEqual(["thinking", "writing"]);
  });

  test("is thinking at once where a thought is heard, and writing with the first word", async () => {
    const { seen, becomes } = watch({ reader: "driver", hasText: false });
    becomes({ reader: "driver", hasText: false, thinksAloud: true });
    becomes({ reader: "driver", thinksAloud: true });
    expect(seen).toEqual(["waiting", "thinking", "writing"]);
  });

  test("stays what it is over a hiccup of the connection, and is reconnecting over a longer break", async () => {
    const { seen } = watch({});
    act(() => deployment.setConnected(false));
    await pass(900);
    act(() => deployment.setConnected(true));
    await pass(5_000);
    expect(seen).toEqual(["writing"]);
    act(() => deployment.setConnected(false));
    await pass(1_000);
    act(() => deployment.setConnected(true));
    await pass(5_000);
    expect(seen).toEqual(["writing", "reconnecting", "writing"]);
  });

  test("of a driver, and of a reply that has ended, does not depend on the database's connection", async () => {
    deployment.setConnected(false);
    const driver = watch({ reader: "driver" });
    const over = watch({ status: "complete" });
    await pass(60_000);
    expect([driver.seen, over.seen]).toEqual([["writing"], ["complete"]]);
  });
});
