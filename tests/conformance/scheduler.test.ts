/** Scheduled functions and crons. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch, type Watch } from "./support/watch.ts";

interface Job {
  name: string;
  args: unknown[];
  scheduledTime: number;
  completedTime?: number;
  state: { kind: string; error?: string };
}

let app: TestApp;

beforeAll(async () => {
  app = await openApp("scheduler");
});
afterAll(() => app.close());

const marksOf = (bag: string): Watch<string[]> => watch<string[]>(app.connect(), "jobs:marks", { bag });
const jobOf = (id: string): Watch<Job | null> => watch<Job | null>(app.connect(), "jobs:job", { id });
const schedule = (target: string, args: object, afterMs = 0): Promise<string> =>
  app.mutation<string>("jobs:schedule", { target, args: { ...args }, afterMs });

describe("scheduled functions", () => {
  test.each(["mark", "markFromAction"])("%s runs once and ends as a success", async (target) => {
    const bag = freshName(target);
    const id = await schedule(target, { bag, text: "done" });
    const job = await jobOf(id).reached((job) => job?.state.kind === "success");
    expect(job).toMatchObject({ args: [{ bag, text: "done" }], completedTime: expect.any(Number) });
    expect(job!.name).toContain(target);
    expect(await app.query("jobs:marks", { bag })).toEqual(["done"]);
  });

  test("a job of a later time is pending, shows its arguments and time, and can be canceled", async () => {
    const bag = freshName("later");
    const before = Date.now();
    const id = await schedule("mark", { bag, text: "later" }, 3_600_000);
    const job = await app.query<Job>("jobs:job", { id });
    expect(job).toMatchObject({ state: { kind: "pending" }, args: [{ bag, text: "later" }] });
    expect(job.scheduledTime).toBeGreaterThanOrEqual(before + 3_000_000);
    await app.mutation("jobs:cancel", { id });
    expect(await app.query("jobs:job", { id })).toMatchObject({ state: { kind: "canceled" } });
    expect(await app.query("jobs:pendingOf", { bag })).toEqual([]);
  });

  test("runAt takes a time in milliseconds and a Date, and a time that is past runs at once", async () => {
    const bag = freshName("at");
    await app.mutation("jobs:scheduleAt", { bag, text: "number", atMs: Date.now() });
    await app.mutation("jobs:scheduleAtDate", { bag, text: "date", atMs: Date.now() - 60_000 });
    const texts = await marksOf(bag).reached((texts) => texts.length === 2);
    expect(texts.toSorted()).toEqual(["date", "number"]);
  });

  test("a job that fails says why and leaves nothing of its transaction", async () => {
    const bag = freshName("fail");
    const job = await jobOf(await schedule("fail", { bag })).reached((job) => job?.state.kind === "failed");
    expect(job!.state.error).toContain("this job fails");
    expect(await app.query("jobs:marks", { bag })).toEqual([]);
  });

  test("an action that fails is marked so", async () => {
    const job = await jobOf(await schedule("failInAction", {})).reached(
      (job) => job?.state.kind === "failed",
    );
    expect(job!.state.error).toContain("this action fails");
  });

  test("a mutation that throws schedules nothing", async () => {
    const bag = freshName("thrown");
    await expect(app.mutation("jobs:scheduleAndThrow", { bag })).rejects.toThrow("nothing is scheduled");
    await schedule("mark", { bag, text: "after it" });
    expect(await marksOf(bag).reached((texts) => texts.length > 0)).toEqual(["after it"]);
  });

  test("what the same mutation cancels never runs", async () => {
    const bag = freshName("canceled");
    const id = await app.mutation<string>("jobs:scheduleAndCancel", { bag });
    expect(await marksOf(bag).reached((texts) => texts.length > 0)).toEqual(["kept"]);
    expect((await app.query<Job | null>("jobs:job", { id }))?.state.kind ?? "canceled").toBe("canceled");
  });

  test("a hundred jobs of one mutation all run, each once", async () => {
    const bag = freshName("many");
    await app.mutation("jobs:scheduleMany", { bag, count: 100 });
    const texts = await marksOf(bag).reached((texts) => texts.length >= 100);
    expect(texts.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, job) => job));
  });

  test("a job schedules the next", async () => {
    const bag = freshName("chain");
    await app.mutation("jobs:startCountDown", { bag, left: 5 });
    expect(await marksOf(bag).reached((texts) => texts.includes("left 0"))).toHaveLength(6);
  });

  test("an action schedules and cancels", async () => {
    const bag = freshName("action");
    await app.action("jobs:scheduleFromAction", { bag, text: "from an action" });
    await marksOf(bag).reached((texts) => texts.includes("from an action"));
    const id = await schedule("mark", { bag, text: "never" }, 3_600_000);
    await app.action("jobs:cancelFromAction", { id });
    expect(await app.query("jobs:job", { id })).toMatchObject({ state: { kind: "canceled" } });
  });

  test("a scheduled function knows which job it is", async () => {
    const bag = freshName("self");
    const id = await app.mutation<string>("jobs:scheduleWhoRunsMe", { bag });
    expect(await marksOf(bag).reached((texts) => texts.length > 0)).toEqual([id]);
  });

  test("arguments are checked when the job runs", async () => {
    const id = await app.mutation<string>("jobs:misuse", { kind: "wrongArgs" });
    const job = await jobOf(id).reached((job) => job?.state.kind === "failed");
    expect(job!.state.error).toContain("ArgumentValidationError");
  });

  test.each([
    ["negative", "`delayMs` must be non-negative"],
    ["infinite", "`delayMs` must be a finite number"],
    ["missing", "nowhere"],
    ["tooFar", "is more than 5 years in the future"],
  ])("%s is refused", async (kind, message) => {
    await expect(app.mutation("jobs:misuse", { kind })).rejects.toThrow(message);
  });
});

describe("crons", () => {
  test("an interval runs again and again, with its arguments", async () => {
    const ticks = watch<{ args: unknown }[]>(app.connect(), "jobs:ticks", { cron: "each second" });
    const [first] = await ticks.reached((ticks) => ticks.length >= 2);
    expect(first!.args).toEqual([1, 2]);
  });

  test("an action can be the target", async () => {
    const ticks = watch<unknown[]>(app.connect(), "jobs:ticks", { cron: "action" });
    const [tick] = await ticks.reached((ticks) => ticks.length >= 1);
    expect(tick).toMatchObject({ cron: "action" });
  });
});
