import { expect, test } from "vitest";
import { Turns } from "../../../embedded/sync/turns.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a flood from one source waits for the others after each of its tasks", async () => {
  const turns = new Turns<string>(() => () => false);
  const done: string[] = [];
  for (const task of ["flood 1", "flood 2", "flood 3"]) turns.add("flood", () => done.push(task));
  for (const task of ["one 1", "one 2"]) turns.add("one", () => done.push(task));
  turns.add("other", () => done.push("other 1"));
  await nextTurn();
  expect(done).toEqual(["flood 1", "one 1", "other 1", "flood 2", "one 2", "flood 3"]);
});

test("after a slice the event loop goes round, and who came meanwhile has a turn", async () => {
  const turns = new Turns<string>(() => () => true);
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
