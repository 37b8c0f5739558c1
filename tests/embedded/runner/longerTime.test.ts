/** A function that the machine held up is run again with longer time, one that wastes the longer time is not for a minute. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "../../../embedded/store/database.ts";
import { appCode, EngineFixture, functions } from "../../support/engineFixture.ts";

/** The real database, on a machine that comes to a halt when told to. */
class HaltingDatabase extends Database {
  /** The next so many statements take longer than a function may at first. */
  halts = 0;

  override all(...query: Parameters<Database["all"]>): ReturnType<Database["all"]> {
    if (this.halts > 0) {
      this.halts -= 1;
      const until = performance.now() + firstWallMs + 100;
      while (performance.now() < until);
    }
    return super.all(...query);
  }
}

const firstWallMs = 1_000;
const timedOut = "Function execution timed out (maximum duration: 1s)";

let fixture: EngineFixture;
let database: HaltingDatabase;

beforeAll(async () => {
  const code = await appCode({
    "m.ts": functions(`
      const read = async (ctx, { spins = false }) => {
        if (spins) for (;;);
        return (await ctx.db.query("t").collect()).length;
      };
      export const count = query(read);
      export const other = query(read);
      export const add = mutation(async (ctx, args) => { await ctx.db.insert("t", {}); return await read(ctx, args); });
    `),
  });
  // The second time is as short as it can be, so that what wastes it is soon over.
  fixture = await EngineFixture.with(
    code,
    { functionWallMs: 1_300 },
    (path) => (database = new HaltingDatabase(path)),
  );
  // The processor was somebody else's all the time.
  fixture.threadCpuMs = () => 0;
});
afterAll(() => fixture.close());

async function heldUp(name: string, call: "query" | "mutation" = "query"): Promise<unknown> {
  database.halts = 1;
  return await fixture[call](name);
}

test("a query and a mutation that the machine held up run again, and leave what one run leaves", async () => {
  expect(await heldUp("m:count")).toBe(0);
  expect(await heldUp("m:add", "mutation")).toBe(1);
  expect(await fixture.query("m:count")).toBe(1);
});

test("a function that wasted its longer time has none for a minute; others have", async () => {
  expect(await fixture.errorOf("m:count", { spins: true })).toContain(timedOut);
  await expect(heldUp("m:count")).rejects.toThrow(timedOut);
  expect(await heldUp("m:other")).toBe(1);
  await fixture.timers.advance(60_000);
  expect(await heldUp("m:count")).toBe(1);
});

test("a function that used up its time itself is not run again, and keeps its right to longer time", async () => {
  const { threadCpuMs } = fixture;
  let runs = 0;
  fixture.threadCpuMs = () => {
    runs += 1;
    return runs * 1_000;
  };
  expect(await fixture.errorOf("m:other", { spins: true })).toContain(timedOut);
  fixture.threadCpuMs = threadCpuMs;
  expect(await heldUp("m:other")).toBe(1);
});
