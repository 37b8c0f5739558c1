import { cronJobs, makeFunctionReference as reference } from "convex/server";
import { expect, test } from "vitest";
import type { CronDefinition, FunctionDefinition } from "../../../embedded/protocol/deployedCode.ts";
import { cronDefinitions } from "../../../embedded/push/cronSpecs.ts";

function ofKind(kind: FunctionDefinition["kind"]): FunctionDefinition {
  return { kind, visibility: "internal", args: { type: "any" }, returns: null };
}

const functions = {
  "m.js:run": ofKind("mutation"),
  "m.js:act": ofKind("action"),
  "m.js:read": ofKind("query"),
};
const run = reference<"mutation">("m:run");

function checked(specs: Record<string, unknown>): Record<string, CronDefinition> {
  return cronDefinitions(Object.entries(specs), functions);
}

function withSchedule(schedule: unknown): Record<string, unknown> {
  return { tick: { name: "m:run", args: [{}], schedule } };
}

test("every kind that convex/server declares is taken, with an interval in seconds", () => {
  const crons = cronJobs();
  crons.interval("seconds", { seconds: 30 }, run, { a: 1 });
  crons.interval("minutes", { minutes: 3 }, run);
  crons.interval("hours", { hours: 2 }, run);
  crons.hourly("hourly", { minuteUTC: 5 }, run);
  crons.hourly("any minute", run);
  crons.daily("daily", { hourUTC: 1, minuteUTC: 2 }, reference<"action">("m:act"));
  crons.weekly("weekly", { dayOfWeek: "friday", hourUTC: 1, minuteUTC: 2 }, run);
  crons.monthly("monthly", { day: 31, hourUTC: 0, minuteUTC: 0 }, run);
  crons.cron("cron's own", "0 0 L * *", run);
  const definitions = checked(crons.crons);
  expect(definitions["seconds"]).toEqual({
    name: "m.js:run",
    args: [{ a: 1 }],
    schedule: { type: "interval", seconds: 30 },
  });
  expect(Object.values(definitions).map(({ schedule }) => schedule)).toEqual([
    { type: "interval", seconds: 30 },
    { type: "interval", seconds: 180 },
    { type: "interval", seconds: 7200 },
    { type: "hourly", minuteUTC: 5 },
    { type: "hourly" },
    { type: "daily", hourUTC: 1, minuteUTC: 2 },
    { type: "weekly", dayOfWeek: "friday", hourUTC: 1, minuteUTC: 2 },
    { type: "monthly", day: 31, hourUTC: 0, minuteUTC: 0 },
    { type: "cron", cron: "0 0 L * *" },
  ]);
});

test.each([
  ["no unit", { type: "interval" }, "Exactly one of (seconds, minutes, hours) should be specified"],
  [
    "two units",
    { type: "interval", seconds: 1, hours: 1 },
    "Exactly one of (seconds, minutes, hours) should be specified",
  ],
  ["an interval of 0", { type: "interval", seconds: 0 }, "Interval must be an integer greater than 0"],
  ["half a second", { type: "interval", seconds: 0.5 }, "Invalid JSON"],
  ["minute 60", { type: "hourly", minuteUTC: 60 }, "minuteUTC must be 0-59 in {"],
  ["hour 24", { type: "daily", hourUTC: 24 }, "hourUTC must be 0-23 in {"],
  ["no hour", { type: "daily", minuteUTC: 1 }, "Invalid JSON"],
  ["day 32", { type: "monthly", day: 32, hourUTC: 0 }, "day of month must be 1-31 in {"],
  ["a weekday of its own", { type: "weekly", dayOfWeek: "Friday", hourUTC: 0 }, "Invalid JSON"],
  ["a kind of its own", { type: "yearly" }, "Invalid JSON"],
  ["an unreadable string", { type: "cron", cron: "every day" }, "Failed to parse cron expression"],
  [
    "a day that never comes",
    { type: "cron", cron: "0 0 30 2 *" },
    'The cron spec "0 0 30 2 *" will never match any time',
  ],
])("%s is refused with Convex's words", (_what, schedule, message) => {
  expect(() => checked(withSchedule(schedule))).toThrow(
    expect.objectContaining({ code: "InvalidCron", message: expect.stringContaining(message) }),
  );
});

test("a name outside of ASCII is refused", () => {
  const [spec] = Object.values(withSchedule({ type: "hourly" }));
  expect(() => checked({ täglich: spec })).toThrow("has invalid character 'ä'");
});

test("a query cannot be a cron's function", () => {
  expect(() => checked({ tick: { name: "m:read", args: [{}], schedule: { type: "hourly" } } })).toThrow(
    "The cron job 'tick' schedules a query function, only actions and mutations can be scheduled: m.js:read",
  );
});

test("arguments as large as a document are refused", () => {
  const args = [{ text: "x".repeat(1024 * 1024) }];
  expect(() => checked({ tick: { name: "m:run", args, schedule: { type: "hourly" } } })).toThrow(
    /Cron job args too large \(\d+ > maximum size 1048576\)/,
  );
});
