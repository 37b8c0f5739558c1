/** Which statuses of a run are its end. */
export { hasEnded as isEnded } from "../../convex/shared/streamEvents.ts";
