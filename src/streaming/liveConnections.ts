/**
 * How many replies the tabs of this browser read live. A browser opens six HTTP/1.1 connections to an origin, for all
 * its tabs together, and one more request waits without a word; each live reply holds one of them. Counted by the
 * browser's locks, which end with a tab that dies; where there are none (they need a secure origin), nothing is counted.
 */

const LOCK_NAME = "duet.live";
const CONNECTIONS_PER_ORIGIN = 6;

/** Counts a connection that is about to be asked for, until the returned function is called. */
export function countConnection(): () => void {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  browserLocks()
    ?.request(LOCK_NAME, { mode: "shared" }, () => closed)
    .catch(() => {
      // A page that is going, or may have no locks: at worst a request waits, as it would where nothing is counted.
    });
  return close;
}

/**
 * Whether one more would have to wait. Over HTTP/2 it would not, and no page can tell: so this is a reason to have
 * another way ready, none to leave this one out.
 */
export async function areConnectionsTaken(): Promise<boolean> {
  const locks = browserLocks();
  if (locks === null) return false;
  try {
    const { held = [] } = await locks.query();
    return held.filter(({ name }) => name === LOCK_NAME).length >= CONNECTIONS_PER_ORIGIN;
  } catch {
    // Not allowed here: the request is given its time, as where there are no locks.
    return false;
  }
}

function browserLocks(): LockManager | null {
  return (navigator as { locks?: LockManager | null }).locks ?? null;
}
