/**
 * Errors of user code that no caller can catch: a promise nobody awaits, a listener or a host callback that throws. Each
 * thread has one net for them; the asynchronous context in which the code runs says whose error it was.
 */
import { AsyncLocalStorage } from "node:async_hooks";

export interface ErrorOwner {
  fail: (error: unknown) => void;
}

const owners = new AsyncLocalStorage<ErrorOwner>();

/** Whatever goes astray in `body`, and in what it starts, is given to `owner`. */
export function runOwned<T>(owner: ErrorOwner, body: () => T): T {
  return owners.run(owner, body);
}

/**
 * Spreads the net in this thread. Without it, one forgotten `await` in user code ends the thread. `onUnowned` gets the
 * errors of the host itself.
 */
export function catchStrayErrors(onUnowned: (error: unknown) => void): void {
  const handle = (error: unknown): void => {
    const owner = owners.getStore();
    if (owner) owner.fail(error);
    else onUnowned(error);
  };
  process.on("unhandledRejection", handle);
  process.on("uncaughtException", handle);
}
