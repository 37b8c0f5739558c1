/**
 * Cron strings as Convex reads them: minute, hour, day of month, month, day of week, in UTC. The syntax is that of the
 * parser Convex uses (get-convex/saffron), which no package for Node reads: ranges that wrap around (`FRI-SUN`,
 * `22-4/2`), `L-3W`, days of the week from 0 to 6 and no 7, `L` for Saturday, no seconds, no `@daily`. A day matches
 * when either of its two fields does, unless one of them is `*`.
 */

export interface CronExpression {
  minutes: ReadonlySet<number>;
  hours: ReadonlySet<number>;
  months: ReadonlySet<number>;
  matchesDay: (day: CalendarDay) => boolean;
}

export interface CalendarDay {
  /** 1 to 31. */
  day: number;
  /** 0 is Sunday. */
  weekday: number;
  daysInMonth: number;
}

type DayRule = (day: CalendarDay) => boolean;

interface Field {
  min: number;
  max: number;
  names: readonly string[];
}

const monthNames = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const weekdayNames = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTE: Field = { min: 0, max: 59, names: [] };
const HOUR: Field = { min: 0, max: 23, names: [] };
const DAY_OF_MONTH: Field = { min: 1, max: 31, names: [] };
const MONTH: Field = { min: 1, max: 12, names: monthNames };
const WEEKDAY: Field = { min: 0, max: 6, names: weekdayNames };
const NTH: Field = { min: 1, max: 5, names: [] };
const LAST_OFFSET: Field = { min: 1, max: 30, names: [] };

const SUNDAY = 0;
const SATURDAY = 6;

/** @throws Error in Convex's words when the text is no cron string. */
export function parseCronExpression(text: string): CronExpression {
  const parts = text.split(/[ \t]+/);
  const [minute, hour, day, month, weekday] = parts;
  if (parts.length !== 5 || !minute || !hour || !day || !month || !weekday) throw unreadable();
  return {
    minutes: values(minute, MINUTE),
    hours: values(hour, HOUR),
    months: values(month, MONTH),
    matchesDay: dayRule(day, weekday),
  };
}

function dayRule(day: string, weekday: string): DayRule {
  const ofMonth = dayOfMonthRule(day);
  const ofWeek = weekdayRule(weekday);
  if (day === "*" && weekday === "*") return () => true;
  if (day === "*") return ofWeek;
  if (weekday === "*") return ofMonth;
  return (date) => ofMonth(date) || ofWeek(date);
}

function dayOfMonthRule(text: string): DayRule {
  const last = /^L(?:-(\d+))?(W)?$/.exec(text);
  if (last) {
    const offset = last[1] === undefined ? 0 : one(last[1], LAST_OFFSET);
    const isWeekday = last[2] !== undefined;
    return ({ day, weekday, daysInMonth }) => {
      const wanted = daysInMonth - offset;
      return wanted >= 1 && day === (isWeekday ? nearestWeekday(wanted, day, weekday, daysInMonth) : wanted);
    };
  }
  const nearest = /^(\d+)W$/.exec(text);
  if (nearest) {
    const wanted = one(nearest[1], DAY_OF_MONTH);
    return ({ day, weekday, daysInMonth }) =>
      wanted <= daysInMonth && day === nearestWeekday(wanted, day, weekday, daysInMonth);
  }
  const days = values(text, DAY_OF_MONTH);
  return ({ day }) => days.has(day);
}

/**
 * The day from Monday to Friday that is next to `wanted` in its month.
 * @param day - A day of that month and its weekday, from which that of `wanted` follows.
 */
function nearestWeekday(wanted: number, day: number, weekday: number, daysInMonth: number): number {
  const wantedWeekday = (((weekday + wanted - day) % 7) + 7) % 7;
  if (wantedWeekday === SATURDAY) return wanted === 1 ? 3 : wanted - 1;
  if (wantedWeekday === SUNDAY) return wanted === daysInMonth ? wanted - 2 : wanted + 1;
  return wanted;
}

function weekdayRule(text: string): DayRule {
  if (text === "L") return ({ weekday }) => weekday === SATURDAY;
  const special = /^(\d+|[A-Za-z]{3})(?:(L)|#(\d+))$/.exec(text);
  if (special) {
    const wanted = one(special[1], WEEKDAY);
    if (special[2] !== undefined) {
      return ({ day, weekday, daysInMonth }) => weekday === wanted && day + 7 > daysInMonth;
    }
    const nth = one(special[3], NTH);
    return ({ day, weekday }) => weekday === wanted && Math.ceil(day / 7) === nth;
  }
  const days = values(text, WEEKDAY);
  return ({ weekday }) => days.has(weekday);
}

/** A list of values, ranges and steps. A `*` in front stands alone or with a step; further back it is the lowest value. */
function values(text: string, field: Field): ReadonlySet<number> {
  if (text === "*") return new Set(sequence(field.min, field.max, 1, field));
  const items = text.split(",");
  if (/^\*(?!\/)/.test(text)) throw unreadable();
  return new Set(items.flatMap((item) => itemValues(item, field)));
}

function itemValues(item: string, field: Field): number[] {
  const match = /^(\*|\d+|[A-Za-z]{3})(?:-(\d+|[A-Za-z]{3}))?(?:\/(\d+))?$/.exec(item);
  if (!match) throw unreadable();
  const [, startText, endText, stepText] = match;
  const start = startText === "*" ? field.min : one(startText, field);
  const step = stepText === undefined ? 1 : one(stepText, { min: 1, max: field.max - field.min, names: [] });
  if (endText !== undefined) return sequence(start, one(endText, field), step, field);
  return stepText === undefined ? [start] : sequence(start, field.max, step, field);
}

/** From start to end, through the end of the field where the end comes first. */
function sequence(start: number, end: number, step: number, { min, max }: Field): number[] {
  const size = max - min + 1;
  const length = end >= start ? end - start : end - start + size;
  const found: number[] = [];
  for (let offset = 0; offset <= length; offset += step) found.push(min + ((start - min + offset) % size));
  return found;
}

function one(text: string | undefined, { min, max, names }: Field): number {
  const named = names.indexOf((text ?? "").toUpperCase());
  const value = named >= 0 ? named + min : /^\d+$/.test(text ?? "") ? Number(text) : NaN;
  if (!(value >= min && value <= max)) throw unreadable();
  return value;
}

function unreadable(): Error {
  return new Error("Failed to parse cron expression");
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The rarest day there is, a fifth weekday of a February, comes within 40 years. */
const SEARCH_DAYS = 100 * 366;

/** The first time after `ms` that matches, at the start of its minute; null when none ever does. */
export function nextMatchAfter(expression: CronExpression, ms: number): number | null {
  const fromMs = (Math.floor(ms / MINUTE_MS) + 1) * MINUTE_MS;
  let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS;
  for (let searched = 0; searched <= SEARCH_DAYS; searched++, dayMs += DAY_MS) {
    if (!matchesDate(expression, new Date(dayMs))) continue;
    const timeMs = firstTimeOfDay(expression, Math.max(0, fromMs - dayMs));
    if (timeMs !== null) return dayMs + timeMs;
  }
  return null;
}

function matchesDate({ months, matchesDay }: CronExpression, date: Date): boolean {
  if (!months.has(date.getUTCMonth() + 1)) return false;
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return matchesDay({ day: date.getUTCDate(), weekday: date.getUTCDay(), daysInMonth });
}

/** The first matching time of a day, in milliseconds after midnight, not before `fromMs`. */
function firstTimeOfDay({ hours, minutes }: CronExpression, fromMs: number): number | null {
  for (let hour = Math.floor(fromMs / (60 * MINUTE_MS)); hour < 24; hour++) {
    if (!hours.has(hour)) continue;
    for (let minute = 0; minute < 60; minute++) {
      const timeMs = (hour * 60 + minute) * MINUTE_MS;
      if (minutes.has(minute) && timeMs >= fromMs) return timeMs;
    }
  }
  return null;
}
