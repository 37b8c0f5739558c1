import { expect, test } from "vitest";
import { nextMatchAfter, parseCronExpression } from "../../../embedded/scheduler/cronExpression.ts";

/** The next times after `from`, as "2026-01-31 00:00" in UTC. */
function nextTimes(text: string, from: string, count: number): string[] {
  const expression = parseCronExpression(text);
  const times: string[] = [];
  let ms = Date.parse(`${from}Z`);
  while (times.length < count) {
    const next = nextMatchAfter(expression, ms);
    if (next === null) break;
    times.push(new Date(next).toISOString().slice(0, 16).replace("T", " "));
    ms = next;
  }
  return times;
}

/** Of all of them only the day, for strings of the form "0 0 …". */
function nextDays(days: string, from: string, count: number): string[] {
  return nextTimes(`0 0 ${days}`, from, count).map((time) => time.slice(0, 10));
}

test("the next time is after the given one, at the start of its minute", () => {
  expect(nextTimes("* * * * *", "2026-01-01T00:00:00.001", 2)).toEqual([
    "2026-01-01 00:01",
    "2026-01-01 00:02",
  ]);
  expect(nextTimes("30 12 * * *", "2026-01-01T12:30:00", 1)).toEqual(["2026-01-02 12:30"]);
  expect(nextTimes("30 12 * * *", "2026-01-01T12:29:59.999", 1)).toEqual(["2026-01-01 12:30"]);
});

test.each([
  [
    "*/15,30-59/10 0 * * *",
    ["2026-01-01 00:15", "2026-01-01 00:30", "2026-01-01 00:40", "2026-01-01 00:45", "2026-01-01 00:50"],
  ],
  ["0 20-4/2 1 * *", ["2026-01-01 02:00", "2026-01-01 04:00", "2026-01-01 20:00", "2026-01-01 22:00"]],
  ["58-1 0 * * *", ["2026-01-01 00:01", "2026-01-01 00:58", "2026-01-01 00:59", "2026-01-02 00:00"]],
  ["5/20 0 * * *", ["2026-01-01 00:05", "2026-01-01 00:25", "2026-01-01 00:45", "2026-01-02 00:05"]],
])("%s: lists, steps and ranges, also those that wrap around", (text, times) => {
  expect(nextTimes(text, "2026-01-01T00:00", times.length)).toEqual(times);
});

test.each([
  ["31 * *", ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31", "2026-08-31"]],
  ["29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]],
  ["L 2 *", ["2026-02-28", "2027-02-28", "2028-02-29"]],
  ["L-1 FEB *", ["2026-02-27", "2027-02-27", "2028-02-28"]],
  ["L-30 * *", ["2026-03-01", "2026-05-01", "2026-07-01"]],
  // 2026-02-28 is a Saturday, 2026-05-31 a Sunday.
  ["LW 2,5 *", ["2026-02-27", "2026-05-29"]],
  ["L-1W 5 *", ["2026-05-29"]],
  // 2026-02-01 and 2026-03-01 are Sundays, 2026-08-01 is a Saturday.
  ["1W 2,3,8 *", ["2026-02-02", "2026-03-02", "2026-08-03"]],
  ["31W 5,10 *", ["2026-05-29", "2026-10-30"]],
  ["15W 2,8 *", ["2026-02-16", "2026-08-14"]],
])("the days %s are found at the ends of months and in leap years", (days, expected) => {
  expect(nextDays(days, "2026-01-01T00:00", expected.length)).toEqual(expected);
});

test("29 February is left out in the years of a century that are no leap years", () => {
  expect(nextDays("29 2 *", "2096-03-01T00:00", 1)).toEqual(["2104-02-29"]);
});

test.each([
  ["* * MON", ["2026-01-05", "2026-01-12"]],
  ["* JAN fri-sun", ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-09"]],
  ["* * 5-0/2", ["2026-01-02", "2026-01-04", "2026-01-09"]],
  ["* * */3", ["2026-01-03", "2026-01-04", "2026-01-07", "2026-01-10"]],
  ["* * L", ["2026-01-03", "2026-01-10"]],
  ["* * 6L", ["2026-01-31", "2026-02-28", "2026-03-28"]],
  ["* * SAT#5", ["2026-01-31", "2026-05-30", "2026-08-29"]],
  ["* 2 SAT#5", ["2048-02-29"]],
])("the days of the week %s", (days, expected) => {
  expect(nextDays(days, "2026-01-01T00:00", expected.length)).toEqual(expected);
});

test("with both fields restricted, a day that fits one of them matches", () => {
  expect(nextDays("13 * FRI", "2026-01-01T00:00", 4)).toEqual([
    "2026-01-02",
    "2026-01-09",
    "2026-01-13",
    "2026-01-16",
  ]);
});

test.each(["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 L-30 2 *"])("%s never matches", (text) => {
  expect(nextTimes(text, "2026-01-01T00:00", 1)).toEqual([]);
});

test.each([
  ["four fields", "* * * *"],
  ["six fields", "0 * * * * *"],
  ["nothing", ""],
  ["space in front", " * * * * *"],
  ["space behind", "* * * * * "],
  ["a nickname", "@daily"],
  ["minute 60", "60 * * * *"],
  ["hour 24", "0 24 * * *"],
  ["day 0", "0 0 0 * *"],
  ["month 13", "0 0 1 13 *"],
  ["weekday 7", "0 0 * * 7"],
  ["a long name", "0 0 * JANUARY *"],
  ["a step of 0", "*/0 * * * *"],
  ["a step as large as the field", "*/60 * * * *"],
  ["a list after a star", "*,5 * * * *"],
  ["a range from a star", "*-30 * * * *"],
  ["an open range", "5- * * * *"],
  ["a list of special days", "0 0 L,5 * *"],
  ["a sixth weekday", "0 0 * * MON#6"],
  ["small l", "0 0 l * *"],
  ["a question mark", "0 0 ? * MON"],
  ["a negative number", "-5 * * * *"],
])("%s is refused, as on Convex", (_what, text) => {
  expect(() => parseCronExpression(text)).toThrow("Failed to parse cron expression");
});

test("a star further back in a list is the lowest value, as on Convex", () => {
  expect(nextTimes("5,* 0 * * *", "2026-01-01T00:00", 2)).toEqual(["2026-01-01 00:05", "2026-01-02 00:00"]);
});
