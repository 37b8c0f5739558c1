import { expect, test } from "vitest";
import { Lifetime } from "../../scripts/lifetime.ts";

test("what was started last ends first", async () => {
  const lifetime = new Lifetime();
  const ended: string[] = [];
  for (const name of ["demo", "deployment", "app"]) {
    lifetime.own(async () => {
      await Promise.resolve();
      ended.push(name);
    });
  }
  await Promise.all([lifetime.end(), lifetime.end()]);
  expect(ended).toEqual(["app", "deployment", "demo"]);
});

test("what starts while the end is under way, or after it, ends too", async () => {
  const lifetime = new Lifetime();
  const ended: string[] = [];
  const { promise: slowEnd, resolve: endSlowly } = Promise.withResolvers<void>();
  lifetime.own(() => slowEnd);
  const end = lifetime.end();
  lifetime.own(async () => {
    ended.push("late");
  });
  endSlowly();
  await end;
  expect(ended).toEqual(["late"]);
  lifetime.own(async () => {
    ended.push("later");
  });
  await lifetime.end();
  expect(ended).toEqual(["late", "later"]);
});
