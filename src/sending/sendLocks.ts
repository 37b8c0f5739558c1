/**
 * Who sends a written-down request: one tab of the browser at a time. A tab that dies lets go of it, and a tab that
 * waits then goes on. Where the browser has no locks (they need a secure origin), a lease in `localStorage` stands in.
 */
import { readStored, writeStored } from "../storedValue.ts";

/** Longer than a minute: browsers run the timers of a page that has long been hidden no more often than that. */
const LEASE_MS = 75_000;
const RENEW_EVERY_MS = 5_000;

/** Holds the request for this tab until `done` settles. Must come before the request is written down. */
export function holdWhileSending(clientRequestId: string, done: Promise<unknown>): void {
  const settled = done.then(ignore, ignore);
  const locks = browserLocks();
  if (locks === null) void holdLease(clientRequestId, settled);
  else locks.request(lockName(clientRequestId), () => settled).catch(reportLock);
}

/** Does `work` as soon as no other tab holds the request; meanwhile none can take it. */
export async function whenFree(clientRequestId: string, work: () => Promise<unknown>): Promise<void> {
  const locks = browserLocks();
  if (locks !== null) {
    await locks.request(lockName(clientRequestId), work);
    return;
  }
  await leaseIsOver(clientRequestId);
  const done = work();
  await Promise.all([done, holdLease(clientRequestId, done.then(ignore, ignore))]);
}

function browserLocks(): LockManager | null {
  return (navigator as { locks?: LockManager | null }).locks ?? null;
}

function lockName(clientRequestId: string): string {
  return `duet.send.${clientRequestId}`;
}

async function holdLease(clientRequestId: string, done: Promise<void>): Promise<void> {
  const renew = () => writeStored(lockName(clientRequestId), String(Date.now() + LEASE_MS));
  renew();
  const renewal = setInterval(renew, RENEW_EVERY_MS);
  await done;
  clearInterval(renewal);
  writeStored(lockName(clientRequestId), null);
}

async function leaseIsOver(clientRequestId: string): Promise<void> {
  while (Number(readStored(lockName(clientRequestId)) ?? 0) > Date.now()) {
    await new Promise((resolve) => setTimeout(resolve, RENEW_EVERY_MS));
  }
}

/** The same request may then leave from two tabs; the server counts it once. */
function reportLock(error: unknown): void {
  console.warn("The browser gave no lock for a message that is being sent.", error);
}

function ignore(): void {
  // Only that it settled matters here; who sends hears how.
}
