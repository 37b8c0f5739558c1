/** Who runs when more actions come than may run side by side. */
import { expect, onTestFinished, test, vi } from "vitest";
import { ActionSlots, type ActionOrigin } from "../../../embedded/actions/actionSlots.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs that end as soon as they have begun, in the order in which they did. */
function crowd(slots: ActionSlots, origins: ActionOrigin[]): number[] {
  const begun: number[] = [];
  for (const [n, origin] of origins.entries())
    void slots.acquire(origin).then((release) => {
      begun.push(n);
      release?.();
    });
  return begun;
}

test.each([
  ["more than there are slots for", 1],
  ["fewer than there are slots for", 64],
])(
  "of a crowd, %s, one begins in each turn of the event loop: the thread has others to serve",
  async (_, concurrent) => {
    const begun = crowd(new ActionSlots(concurrent, 0, 60_000), ["client", "client", "client", "client"]);
    const seen: number[][] = [];
    for (let turn = 0; turn < 4; turn++) {
      await nextTurn();
      seen.push([...begun]);
    }
    expect(seen).toEqual([
      [0, 1],
      [0, 1, 2],
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
  },
);

test("nobody is refused who waits for a turn and not for a slot", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const slots = new ActionSlots(2, 0, 10);
  const answers = [slots.acquire("client"), slots.acquire("client"), slots.acquire("client")];
  vi.advanceTimersByTime(30);
  expect(await Promise.all(answers.slice(0, 2))).not.toContain(null);
  vi.advanceTimersByTime(30);
  expect(await answers[2]).toBeNull();
});

test("who is alone begins at once, in the next turn, too", async () => {
  const slots = new ActionSlots(2, 0, 60_000);
  for (let turn = 0; turn < 3; turn++) {
    const begun = crowd(slots, ["client"]);
    await Promise.resolve();
    expect(begun).toEqual([0]);
    await nextTurn();
  }
});
