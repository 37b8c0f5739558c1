/** How many messages one answer of `messages.list` holds. */

/** As many of the newest messages are listed unasked. */
export const defaultListLength = 1_000;

/** An array of Convex has room for 8,192. */
export const maxListLength = 8_000;
