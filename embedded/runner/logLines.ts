/** The log lines of one run: as many as Convex keeps, and its word for the rest. */
import type { LogLine } from "../protocol/calls.ts";

const maxLogLines = 256;

/** The last line that fits says that there were more. */
export function addLogLine(logLines: LogLine[], line: LogLine): void {
  if (logLines.length < maxLogLines - 1) logLines.push(line);
  else if (logLines.length === maxLogLines - 1) {
    logLines.push(`[ERROR] Log overflow (maximum ${maxLogLines}). Remaining log lines omitted.`);
  }
}
