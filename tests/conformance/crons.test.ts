/** Every kind of cron, and pushes that change them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

type Tick = unknown;

let app: TestApp;

beforeAll(async () => {
  app = await openApp("crons");
});
afterAll(() => app.close());

test("an interval begins at once", async () => {
  const ticks = watch<Tick[]>(app.connect(), "ticks:of", { cron: "interval" });
  expect((await ticks.reached((ticks) => ticks.length > 0)).length).toBeGreaterThan(0);
});

test.each([
  [
    "an hour that is none",
    'crons.daily("bad", { hourUTC: 24, minuteUTC: 0 }',
    /Hour of day must be an integer from 0 to 23/,
  ],
  [
    "a day of the week that is none",
    'crons.weekly("bad", { dayOfWeek: "someday" as never, hourUTC: 1, minuteUTC: 0 }',
    /must be a day of the week|day of week|dayOfWeek/i,
  ],
  ["an expression that is none", 'crons.cron("bad", "every now and then"', /cron/i],
])("%s is refused at the push", async (_what, call, message) => {
  const source = app.readFile("convex/crons.ts");
  app.writeFile(
    "convex/crons.ts",
    source.replace("export default", `${call}, internal.ticks.add, { cron: "bad" });\nexport default`),
  );
  const { exitCode, stderr } = await app.tryPush();
  app.writeFile("convex/crons.ts", source);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(message);
});

test("a cron that is gone from the code runs no more, and one that came begins", async () => {
  const source = app.readFile("convex/crons.ts");
  app.writeFile("convex/crons.ts", source.replaceAll('"interval"', '"another interval"'));
  await app.push();
  const gone = (await app.query<Tick[]>("ticks:of", { cron: "interval" })).length;
  const ticks = watch<Tick[]>(app.connect(), "ticks:of", { cron: "another interval" });
  await ticks.reached((ticks) => ticks.length > 1);
  expect(await app.query<Tick[]>("ticks:of", { cron: "interval" })).toHaveLength(gone);
});
