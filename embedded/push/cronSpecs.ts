/** The crons a push declares, checked as Convex checks them and with its words (`crates/model/src/cron_jobs`). */
import { getConvexSize } from "convex/values";
import {
  canonicalFunctionName,
  type CronDefinition,
  type CronSchedule,
  type FunctionDefinition,
} from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { nextMatchAfter, parseCronExpression } from "../scheduler/cronExpression.ts";
import { decodeValue } from "../values/convexJson.ts";

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const intervalUnits = { seconds: 1, minutes: 60, hours: 3600 };
/** As a document: Convex stores a cron as one. */
const maxArgsBytes = 1024 * 1024;

type Fields = Record<string, unknown>;

/** @param specs - As `crons.export()` gave them. Throws InvalidCron or InvalidModules. */
export function cronDefinitions(
  specs: readonly [string, unknown][],
  functions: Record<string, FunctionDefinition>,
): Record<string, CronDefinition> {
  const crons = Object.fromEntries(
    specs.map(([identifier, spec]) => {
      checkIdentifier(identifier);
      return [identifier, cronDefinition(spec)];
    }),
  );
  for (const [identifier, { name }] of Object.entries(crons)) checkFunction(identifier, name, functions);
  return crons;
}

function checkIdentifier(identifier: string): void {
  const character = /[^ -~]/u.exec(identifier)?.[0];
  if (character === undefined) return;
  throw invalidCron(
    `CronIdentifier ${identifier} has invalid character '${character}': CronIdentifiers can only contain ASCII ` +
      "letters, numbers, spaces, underscores, dashes and apostrophes",
  );
}

function cronDefinition(spec: unknown): CronDefinition {
  const { name, args, schedule } = asFields(spec);
  if (typeof name !== "string" || !Array.isArray(args)) throw invalidJson();
  const checked = cronSchedule(asFields(schedule), spec);
  const bytes = getConvexSize(args.map(decodeValue));
  if (bytes >= maxArgsBytes)
    throw invalidCron(`Cron job args too large (${bytes} > maximum size ${maxArgsBytes})`);
  return { name: canonicalFunctionName(name), args, schedule: checked };
}

function cronSchedule(schedule: Fields, spec: unknown): CronSchedule {
  const within = (field: string, min: number, max: number, what = field): number => {
    const value = integer(schedule[field]);
    if (value >= min && value <= max) return value;
    throw invalidCron(`${what} must be ${min}-${max} in ${JSON.stringify(spec, null, 2)}`);
  };
  const minute = (): { minuteUTC?: number } =>
    schedule["minuteUTC"] == null ? {} : { minuteUTC: within("minuteUTC", 0, 59) };
  const hour = (): { hourUTC: number } => ({ hourUTC: within("hourUTC", 0, 23) });
  switch (schedule["type"]) {
    case "interval":
      return { type: "interval", seconds: intervalSeconds(schedule) };
    case "hourly":
      return { type: "hourly", ...minute() };
    case "daily":
      return { type: "daily", ...minute(), ...hour() };
    case "weekly":
      return { type: "weekly", ...minute(), ...hour(), dayOfWeek: weekday(schedule["dayOfWeek"]) };
    case "monthly":
      return { type: "monthly", ...minute(), ...hour(), day: within("day", 1, 31, "day of month") };
    case "cron":
      return { type: "cron", cron: cronText(schedule["cron"]) };
    default:
      throw invalidJson();
  }
}

function intervalSeconds(schedule: Fields): number {
  const given = Object.entries(intervalUnits).filter(([unit]) => schedule[unit] != null);
  const [unit] = given;
  if (unit === undefined || given.length > 1)
    throw invalidCron("Exactly one of (seconds, minutes, hours) should be specified");
  const value = integer(schedule[unit[0]]);
  if (value <= 0) throw invalidCron("Interval must be an integer greater than 0");
  return value * unit[1];
}

function weekday(value: unknown): string {
  if (typeof value === "string" && weekdays.includes(value)) return value;
  throw invalidJson();
}

function cronText(value: unknown): string {
  if (typeof value !== "string") throw invalidJson();
  let next: number | null;
  try {
    next = nextMatchAfter(parseCronExpression(value), 0);
  } catch (error) {
    throw invalidCron(error instanceof Error ? error.message : String(error));
  }
  if (next === null) throw invalidCron(`The cron spec ${JSON.stringify(value)} will never match any time`);
  return value;
}

function checkFunction(
  identifier: string,
  name: string,
  functions: Record<string, FunctionDefinition>,
): void {
  const kind = functions[name]?.kind;
  if (kind === "mutation" || kind === "action") return;
  const problem =
    kind === undefined
      ? `schedules a function that does not exist: ${name}`
      : `schedules a query function, only actions and mutations can be scheduled: ${name}`;
  throw new DeploymentError(
    "InvalidModules",
    `Loading the pushed modules encountered the following\n    error:\nThe cron job '${identifier}' ${problem}`,
  );
}

function integer(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw invalidJson();
}

function asFields(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalidJson();
}

function invalidJson(): DeploymentError {
  return invalidCron("Invalid JSON");
}

function invalidCron(message: string): DeploymentError {
  return new DeploymentError("InvalidCron", message);
}
