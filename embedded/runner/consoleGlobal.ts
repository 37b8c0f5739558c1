/** `console` as functions see it: Convex's methods, and lines formatted the way `convex dev` and the dashboard show them. */
import { inspect } from "node:util";

export type LogLevel = "LOG" | "DEBUG" | "INFO" | "WARN" | "ERROR";

/** Convex cuts a longer line. UTF-16 units. */
const maxLineLength = 32_768;

export function makeConsole(
  log: (level: LogLevel, text: string) => void,
  nowMs: () => number,
): Record<string, unknown> {
  const startedAtMs = new Map<string, number>();
  const write =
    (level: LogLevel) =>
    (...args: unknown[]): void =>
      log(level, formatLogArguments(args));
  const elapsed = (label: string): string | null => {
    const start = startedAtMs.get(label);
    return start === undefined ? null : `${label}: ${nowMs() - start}ms`;
  };
  const timer = (name: string, label: string, rest: unknown[]): void => {
    const text = elapsed(label);
    if (text === null) log("WARN", `Timer '${label}' does not exist for console.${name}()`);
    else log("INFO", rest.length > 0 ? `${text} ${formatLogArguments(rest)}` : text);
  };
  return {
    debug: write("DEBUG"),
    error: write("ERROR"),
    info: write("INFO"),
    log: write("LOG"),
    warn: write("WARN"),
    trace: (...args: unknown[]): void => log("LOG", `${formatLogArguments(args)}\n${stackBelow()}`),
    time: (label = "default"): void => void startedAtMs.set(label, nowMs()),
    timeLog: (label = "default", ...rest: unknown[]): void => timer("timeLog", label, rest),
    timeEnd: (label = "default"): void => {
      timer("timeEnd", label, []);
      startedAtMs.delete(label);
    },
  };
}

/** `'text' 1 { a: 2 }`: every argument inspected, strings quoted. */
function formatLogArguments(args: readonly unknown[]): string {
  const text = args.map(formatOne).join(" ");
  return text.length > maxLineLength ? `${text.slice(0, maxLineLength)} (truncated due to length)` : text;
}

function formatOne(value: unknown): string {
  if (typeof value === "string") return quote(value);
  try {
    return inspect(value, { depth: 6, maxStringLength: maxLineLength, breakLength: 100 });
  } catch (error) {
    // A getter or an inspect method of user code threw. The line is still worth having.
    return `[could not be shown: ${String(error)}]`;
  }
}

function quote(text: string): string {
  const cut = text.length > maxLineLength ? text.slice(0, maxLineLength) : text;
  const escaped = JSON.stringify(cut).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped}'`;
}

function stackBelow(): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder);
  return (holder.stack ?? "")
    .split("\n")
    .filter((line) => line.includes("convex:/"))
    .join("\n");
}
