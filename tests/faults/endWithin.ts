/** The promise that the suite holds the app to. */

/** A run ends in this time after its last fault, its own work not counted. */
export const endWithinMs = 30_000;
