/**
 * What the process tells its operator, on stderr: one line an entry, as text or as JSON. It never gets arguments,
 * results, headers or query strings, in which an app's secrets may be; what functions print themselves is theirs.
 */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export const logFormats = ["text", "json"] as const;

/** Passed to the threads. */
export interface LogSettings {
  format: (typeof logFormats)[number];
  /** Entries below are left out. */
  level: LogLevel;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** A healthy deployment is silent. */
export const defaultLogSettings: LogSettings = { format: "text", level: "warn" };

/** @param thread - Which part of the process speaks. */
export function createLog(
  { format, level: lowest }: LogSettings,
  thread: "main" | "engine",
  write: (line: string) => void = (line) => void process.stderr.write(`${line}\n`),
  nowMs: () => number = Date.now,
): Log {
  return (level, message, fields = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(lowest)) return;
    if (format === "text") write(textLine(message, fields));
    else write(JSON.stringify({ time: new Date(nowMs()).toISOString(), level, thread, message, ...fields }));
  };
}

function textLine(message: string, fields: LogFields): string {
  const shown = Object.entries(fields).flatMap(([name, value]) => {
    if (value === null || Array.isArray(value)) return [];
    return [
      `${name}=${typeof value === "string" && /[\s"=]/.test(value) ? JSON.stringify(value) : String(value)}`,
    ];
  });
  const lines = Object.values(fields).flatMap((value) => (Array.isArray(value) ? (value as string[]) : []));
  return [[message, ...shown].join(" "), ...lines.map((line) => `  ${line}`)].join("\n");
}
