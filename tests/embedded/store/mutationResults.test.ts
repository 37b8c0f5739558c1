import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { appCode, call, EngineFixture, functions } from "../../support/engineFixture.ts";

let fixture: EngineFixture;
afterEach(() => fixture.close());

const hourMs = 60 * 60 * 1000;

function remembered(): number {
  const database = new DatabaseSync(join(fixture.dataDir, "deployment.sqlite"), { readOnly: true });
  try {
    return Number(database.prepare("SELECT COUNT(*) AS count FROM mutation_results").get()?.["count"]);
  } finally {
    database.close();
  }
}

test("results that are a day old are forgotten, no more than 500 of them in one transaction", async () => {
  const app = functions(`export const add = mutation({ args: {}, handler: async (ctx) => {
    await ctx.db.insert("rows", {});
  } });`);
  fixture = await EngineFixture.with(await appCode({ "m.ts": app }));
  const send = (from: number, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, place) =>
        fixture.engine.runMutation(call("m:add"), { sessionId: "session", requestId: from + place }),
      ),
    );
  await send(0, 1_100);
  fixture.engine.startScheduler();
  await fixture.timers.advance(20 * hourMs);
  expect(remembered()).toBe(1_100);
  await send(2_000, 3);
  const left: number[] = [];
  fixture.engine.onCommit(() => left.push(remembered()));
  await fixture.timers.advance(6 * hourMs);
  expect(left).toEqual([603, 103, 3]);
});
