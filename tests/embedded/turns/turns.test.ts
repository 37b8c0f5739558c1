import { expect, test } from "vitest";
import { Turns } from "../../../embedded/turns/turns.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a flood from one source waits for the others after each of its tasks", async () => {
  const turns = new Turns({ startSlice: () => () => false, monotonicMs: () => 0 });
  const done: string[] = [];
  for (const task of ["flood 1", "flood 2", "flood 3"]) turns.add("flood", () => done.push(task));
  for (const task of ["one 1", "one 2"]) turns.add("one", () => done.push(task));
  turns.add("other", () => done.push("other 1"));
  await nextTurn();
  expect(done).toEqual(["flood 1", "one 1", "other 1", "flood 2", "one 2", "flood 3"]);
});

test("after a slice the event loop goes round, and who came meanwhile has a turn", async () => {
  const turns = new Turns({ startSlice: () => () => true, monotonicMs: () => 0 });
  const done: string[] = [];
  const log = (task: string) => (): void => void done.push(task);
  for (const task of ["flood 1", "flood 2", "flood 3"]) turns.add("flood", log(task));
  await nextTurn();
  expect(done).toEqual(["flood 1"]);
  turns.add("late", log("late"));
  await nextTurn();
  await nextTurn();
  expect(done).toEqual(["flood 1", "flood 2", "late"]);
  await nextTurn();
  expect(done).toEqual(["flood 1", "flood 2", "late", "flood 3"]);
});

test("a source with slow tasks waits until the others have had as much time", async () => {
  let nowMs = 0;
  const turns = new Turns({ startSlice: () => () => false, monotonicMs: () => nowMs });
  const done: string[] = [];
  const task = (name: string, ms: number) => (): void => {
    nowMs += ms;
    done.push(name);
  };
  for (const name of ["slow 1", "slow 2"]) turns.add("slow", task(name, 1_000));
  for (let n = 1; n <= 5; n += 1) turns.add("quick", task(`quick ${n}`, 1));
  await nextTurn();
  expect(done).toEqual(["slow 1", "quick 1", "quick 2", "quick 3", "quick 4", "quick 5", "slow 2"]);
});

test("tasks that were put off come before what the source has in line", async () => {
  const turns = new Turns({ startSlice: () => () => false, monotonicMs: () => 0 });
  const done: number[] = [];
  turns.add("one", () => turns.addFirst("one", [() => done.push(1), () => done.push(2)]));
  turns.add("one", () => done.push(3));
  await nextTurn();
  expect(done).toEqual([1, 2, 3]);
});

test("work ends as it would without turns, and one that throws at once holds up nobody", async () => {
  const turns = new Turns({ startSlice: () => () => true, monotonicMs: () => 0 });
  const thrown = turns.run("a", () => {
    throw new Error("at once");
  });
  const rejected = turns.run("a", () => Promise.reject(new Error("later")));
  const ended = turns.run("b", async () => 1);
  expect(await Promise.allSettled([thrown, rejected, ended])).toMatchObject([
    { reason: { message: "at once" } },
    { reason: { message: "later" } },
    { value: 1 },
  ]);
});

test("what has not run when the turns are closed never will", async () => {
  const turns = new Turns({ startSlice: () => () => false, monotonicMs: () => 0 });
  const done: string[] = [];
  turns.add("one", () => {
    done.push("closes");
    turns.close();
  });
  turns.add("two", () => done.push("late"));
  await nextTurn();
  turns.add("two", () => done.push("later"));
  await nextTurn();
  expect(done).toEqual(["closes"]);
});
