/** When a cron runs next. The kinds are those of `cronJobs()` in convex/server; all times are UTC. */
import { createHash } from "node:crypto";
import type { CronSchedule } from "../protocol/deployedCode.ts";
import { nextMatchAfter, parseCronExpression } from "./cronExpression.ts";

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/**
 * @param key - Of the cron: an hour without a minute gets one that stays with the cron, and differs between crons.
 * @param previousMs - When it was due last; null when it is new or its schedule has changed. A new interval runs at once.
 */
export function nextRunMs(
  schedule: CronSchedule,
  key: string,
  previousMs: number | null,
  nowMs: number,
): number {
  if (schedule.type === "interval") return previousMs === null ? nowMs : previousMs + schedule.seconds * 1000;
  const text = cronText(schedule, () => chosenMinute(key));
  const nextMs = nextMatchAfter(parseCronExpression(text), nowMs);
  if (nextMs === null) throw new Error(`The cron spec ${JSON.stringify(text)} will never match any time`);
  return nextMs;
}

/** The time after `previousMs` that is not past, and how many of an interval's times before it are left out. */
export function followingRun(
  schedule: CronSchedule,
  key: string,
  previousMs: number,
  nowMs: number,
): { nextMs: number; skipped: number } {
  const nextMs = nextRunMs(schedule, key, previousMs, nowMs);
  if (schedule.type !== "interval" || nextMs >= nowMs) return { nextMs, skipped: 0 };
  const everyMs = schedule.seconds * 1000;
  const skipped = Math.ceil((nowMs - nextMs) / everyMs);
  return { nextMs: nextMs + skipped * everyMs, skipped };
}

function cronText(schedule: Exclude<CronSchedule, { type: "interval" }>, minuteOf: () => number): string {
  if (schedule.type === "cron") return schedule.cron;
  const minute = schedule.minuteUTC ?? minuteOf();
  switch (schedule.type) {
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${minute} ${schedule.hourUTC} * * *`;
    case "weekly":
      return `${minute} ${schedule.hourUTC} * * ${weekdays.indexOf(schedule.dayOfWeek)}`;
    case "monthly":
      return `${minute} ${schedule.hourUTC} ${schedule.day} * *`;
    default:
      return schedule satisfies never;
  }
}

function chosenMinute(key: string): number {
  return createHash("sha256").update(key).digest().readUInt32BE() % 60;
}
