import { expect, test } from "vitest";
import type { CronSchedule } from "../../../embedded/protocol/deployedCode.ts";
import { followingRun, nextRunMs } from "../../../embedded/scheduler/cronSchedule.ts";

const now = Date.UTC(2026, 0, 31, 10, 15, 30); // a Saturday

function next(schedule: CronSchedule, nowMs = now, previousMs: number | null = null): string {
  return new Date(nextRunMs(schedule, ":cron", previousMs, nowMs)).toISOString();
}

test("a new interval is due at once, then counts from when it was due", () => {
  expect(nextRunMs({ type: "interval", seconds: 90 }, ":cron", null, now)).toBe(now);
  expect(nextRunMs({ type: "interval", seconds: 90 }, ":cron", now, now + 5)).toBe(now + 90_000);
});

test.each<[CronSchedule, string]>([
  [{ type: "hourly", minuteUTC: 15 }, "2026-01-31T11:15:00.000Z"],
  [{ type: "hourly", minuteUTC: 16 }, "2026-01-31T10:16:00.000Z"],
  [{ type: "daily", hourUTC: 10, minuteUTC: 0 }, "2026-02-01T10:00:00.000Z"],
  [{ type: "daily", hourUTC: 23, minuteUTC: 59 }, "2026-01-31T23:59:00.000Z"],
  [{ type: "weekly", dayOfWeek: "saturday", hourUTC: 11, minuteUTC: 0 }, "2026-01-31T11:00:00.000Z"],
  [{ type: "weekly", dayOfWeek: "sunday", hourUTC: 0, minuteUTC: 0 }, "2026-02-01T00:00:00.000Z"],
  [{ type: "monthly", day: 31, hourUTC: 9, minuteUTC: 0 }, "2026-03-31T09:00:00.000Z"],
  [{ type: "monthly", day: 1, hourUTC: 9, minuteUTC: 0 }, "2026-02-01T09:00:00.000Z"],
  [{ type: "cron", cron: "*/10 * * * *" }, "2026-01-31T10:20:00.000Z"],
])("%j is next due at %s", (schedule, expected) => {
  expect(next(schedule)).toBe(expected);
});

test("a monthly cron on the 29th runs in February of leap years only", () => {
  const schedule: CronSchedule = { type: "monthly", day: 29, hourUTC: 0, minuteUTC: 0 };
  expect(next(schedule, Date.UTC(2026, 1, 1))).toBe("2026-03-29T00:00:00.000Z");
  expect(next(schedule, Date.UTC(2028, 1, 1))).toBe("2028-02-29T00:00:00.000Z");
});

test("an hour without a minute has one that stays with the cron and differs between crons", () => {
  const minutes = Array.from({ length: 20 }, (_, number) => {
    const first = nextRunMs({ type: "hourly" }, `:cron ${number}`, null, now);
    expect(nextRunMs({ type: "hourly" }, `:cron ${number}`, first, first)).toBe(first + 3_600_000);
    return new Date(first).getUTCMinutes();
  });
  expect(new Set(minutes).size).toBeGreaterThan(5);
});

test("times of an interval that are past are left out and counted; one that is now is not past", () => {
  const schedule: CronSchedule = { type: "interval", seconds: 10 };
  expect(followingRun(schedule, ":cron", now, now + 95_000)).toEqual({ nextMs: now + 100_000, skipped: 9 });
  expect(followingRun(schedule, ":cron", now, now + 20_000)).toEqual({ nextMs: now + 20_000, skipped: 1 });
  expect(followingRun(schedule, ":cron", now, now + 3)).toEqual({ nextMs: now + 10_000, skipped: 0 });
});
