/**
 * How long one action may work on a reply. The only place that knows the platform's limit; whatever has to be
 * over by then is measured from here.
 */

/**
 * Convex ends an action of its default runtime after thirty minutes, HTTP actions included:
 * https://docs.convex.dev/production/state/limits
 */
const actionLimitMs = 30 * 60_000;

/** What is left then is for the last flush, the hand-on and their retries, on a database that is slow. */
const reserveMs = 5 * 60_000;

/** A generation that has taken this long is handed on to another action. */
export const maxGenerationMs = actionLimitMs - reserveMs;
