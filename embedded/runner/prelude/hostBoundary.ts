/**
 * The first script of every realm: what stands between user code and the host. `installHostBoundary` is evaluated inside
 * the realm from its own text, so it must not name anything outside its body; the intrinsics it names are the realm's.
 */

export type HostReply = { ok: true; value: string } | { ok: false; message: string; dataJson?: string };

/** Made by the host for one run. Only strings, and functions that never throw, cross it. */
export interface SyscallPort {
  syscall(op: string, argsJson: string): HostReply;
  /** Settles before it returns, or later. */
  asyncSyscall(op: string, argsJson: string, settle: (reply: HostReply) => void): void;
  jsSyscall(op: string, args: unknown): { ok: true; value: unknown } | { ok: false; message: string };
}

export interface HostBoundary {
  /** Globals to define as they are: the web platform of the host. */
  platform: Readonly<Record<string, unknown>>;
  /** The host's own Error, Promise, Array...: objects made by them must pass `instanceof` in the realm. */
  hostConstructors: Readonly<Record<string, unknown>>;
}

/** What the host keeps of a realm. */
export interface RealmHandle {
  newObject(): object;
  define(name: string, value: unknown): void;
  defineSelf(): void;
  /** `Convex` of one run. */
  newConvex(port: SyscallPort): object;
  /** `process` of one run; the object with the variables is the realm's. */
  newProcess(env: object): object;
  parseJson(json: string): object;
  /** Calls `exports[exportName][method](...args)`; `settle` is called when its promise is settled. */
  callFunction(
    exports: Record<string, unknown>,
    exportName: string,
    method: string,
    args: readonly unknown[],
    settle: (outcome: CallOutcome) => void,
  ): void;
}

export type CallOutcome = { ok: true; value: unknown } | { ok: false; error: unknown };

export function installHostBoundary(boundary: HostBoundary): RealmHandle {
  type Callable = (...args: unknown[]) => unknown;
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  };

  for (const name in boundary.platform) define(name, boundary.platform[name]);
  // An error in the callback is an unhandled rejection, which ends this function and not the thread.
  const runSoon = async (callback: () => void): Promise<void> => {
    await Promise.resolve();
    callback();
  };
  define("queueMicrotask", (callback: () => void) => void runSoon(callback));

  const ordinaryHasInstance = Function.prototype[Symbol.hasInstance];
  for (const name in boundary.hostConstructors) {
    const ofRealm = (globalThis as unknown as Record<string, Callable>)[name]!;
    const ofHost = boundary.hostConstructors[name] as Callable;
    Object.defineProperty(ofRealm, Symbol.hasInstance, {
      value(this: Callable, candidate: unknown) {
        // Classes derived from this one inherit the method: theirs is the ordinary answer.
        return (
          ordinaryHasInstance.call(this, candidate) ||
          (this === ofRealm && ordinaryHasInstance.call(ofHost, candidate))
        );
      },
    });
  }

  const errorOf = (reply: { message: string; dataJson?: string }): Error => {
    const error: Error & { data?: unknown } = new Error(reply.message);
    if (reply.dataJson !== undefined) error.data = JSON.parse(reply.dataJson);
    return error;
  };
  const newConvex = (port: SyscallPort): object =>
    Object.freeze({
      syscall(op: string, argsJson: string): string {
        const reply = port.syscall(op, argsJson);
        if (reply.ok) return reply.value;
        throw errorOf(reply);
      },
      asyncSyscall(op: string, argsJson: string): Promise<string> {
        return new Promise((resolve, reject) => {
          port.asyncSyscall(op, argsJson, (reply) => {
            if (reply.ok) resolve(reply.value);
            else reject(errorOf(reply));
          });
        });
      },
      jsSyscall(op: string, args: unknown): unknown {
        const reply = port.jsSyscall(op, args);
        if (reply.ok) return reply.value;
        throw errorOf(reply);
      },
    });

  return {
    newObject: () => ({}),
    define,
    defineSelf: () => define("self", globalThis),
    newConvex,
    newProcess: (env) => ({ env: { ...env } }),
    parseJson: (json) => JSON.parse(json) as object,
    callFunction(exports, exportName, method, args, settle) {
      const run = async (): Promise<unknown> => {
        const target = exports[exportName] as Record<string, Callable> | undefined;
        return await target![method]!(...args);
      };
      run().then(
        (value) => settle({ ok: true, value }),
        (error: unknown) => settle({ ok: false, error }),
      );
    },
  };
}
