/** What is left of runs that are over, and when it goes. */
import { AsyncResource } from "node:async_hooks";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test, vi } from "vitest";
import { garbageCollector, RealmGarbage } from "../../../embedded/actions/realmGarbage.ts";
import { Realm } from "../../../embedded/runner/realm.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const refused = (): never => {
  throw new Error("no host");
};

function endedRealm(onOwned: () => void): WeakRef<Realm> {
  const realm = new Realm(
    {},
    {
      environment: "action",
      host: { syscall: refused, asyncSyscall: refused, jsSyscall: refused },
      env: {},
      log: () => undefined,
      nowMs: 0,
      randomSeed: "",
      onStrayError: () => undefined,
    },
  );
  realm.own(onOwned);
  realm.dispose();
  return new WeakRef(realm);
}

test("what was used last in a run, such as a connection that is kept, does not hold its realm", async () => {
  let kept: AsyncResource | undefined;
  const realm = endedRealm(() => {
    kept = new AsyncResource("kept connection");
  });
  const collect = garbageCollector();
  while (realm.deref() !== undefined) {
    await nextTurn();
    collect();
  }
  expect(kept).toBeDefined();
});

test("functions do not see how garbage is collected", () => {
  garbageCollector();
  expect(runInNewContext("typeof gc")).toBe("undefined");
});

test("a crowd's realms are collected 64 at a time, whatever still runs", async () => {
  const collect = vi.fn<() => void>();
  const garbage = new RealmGarbage(collect);
  garbage.runBegan();
  const collections: number[] = [];
  for (let run = 1; run <= 130; run++) {
    garbage.runBegan();
    garbage.runEnded();
    await nextTurn();
    if (collect.mock.calls.length > collections.length) collections.push(run);
  }
  expect(collections).toEqual([64, 128]);
});

test("the realms of a few runs are collected when nothing runs any more, and those of fewer are left", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const collect = vi.fn<() => void>();
  const garbage = new RealmGarbage(collect);
  const run = (): void => {
    garbage.runBegan();
    garbage.runEnded();
  };
  for (let n = 0; n < 7; n++) run();
  await vi.runAllTimersAsync();
  expect(collect).not.toHaveBeenCalled();
  run();
  garbage.runBegan();
  await vi.runAllTimersAsync();
  expect(collect).not.toHaveBeenCalled();
  garbage.runEnded();
  await vi.runAllTimersAsync();
  expect(collect).toHaveBeenCalledTimes(1);
});
