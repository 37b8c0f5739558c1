/** Which statuses of a run are its end. */
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

/** True when nothing more will be written to the reply (unless somebody starts it again). */
export function isEnded(status: RunStatus): boolean {
  switch (status) {
    case "queued":
    case "running":
    case "recovering":
      return false;
    case "complete":
    case "stopped":
    case "failed":
    case "interrupted":
      return true;
    default:
      return status satisfies never;
  }
}
