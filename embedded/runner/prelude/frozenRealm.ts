/**
 * The last script of a realm that is kept: makes every built-in object of it unchangeable, so that no run leaves anything
 * for the next. Like `hostBoundary.ts` it is evaluated inside the realm from its own text.
 */
import type { BuiltIns } from "./findBuiltIns.ts";
import type { LockOptions } from "./lockObject.ts";

export interface FrozenRealmParts {
  lockObject: (object: object, options: LockOptions) => void;
  builtIns: BuiltIns;
}

/** What the host keeps of a frozen realm. */
export interface FrozenRealm {
  /** Makes more unchangeable, for as long as the realm is kept. */
  lockAll(found: BuiltIns): void;
  /** Puts back what is not locked: how V8 makes stack traces, what the last match of a pattern left, constructors. */
  reset(): void;
}

export function freezeRealm({ lockObject, builtIns }: FrozenRealmParts): FrozenRealm {
  const stackTraces = Error as unknown as { stackTraceLimit: number; prepareStackTrace: unknown };
  const { stackTraceLimit } = stackTraces;
  stackTraces.prepareStackTrace = undefined;
  const keepsWritable = (key: string | symbol): boolean =>
    key === "constructor" || key === "stackTraceLimit" || key === "prepareStackTrace";

  // `prototype.constructor = …` below one of these must not fail, and is a plain property for whoever looks.
  const constructors: { prototype: { constructor: unknown }; constructor: unknown }[] = [];
  const lockAll = ({ objects, prototypes }: BuiltIns): void => {
    for (const object of objects) {
      const isPrototype = prototypes.has(object);
      lockObject(object, { isPrototype, ...(isPrototype || object === Error ? { keepsWritable } : {}) });
    }
    for (const prototype of prototypes) {
      const { writable, value } = Object.getOwnPropertyDescriptor(prototype, "constructor") ?? {};
      if (writable) constructors.push({ prototype, constructor: value });
    }
  };
  lockAll(builtIns);
  const pattern = /(?:)/;
  return {
    lockAll,
    reset() {
      stackTraces.stackTraceLimit = stackTraceLimit;
      stackTraces.prepareStackTrace = undefined;
      pattern.test("");
      for (const { prototype, constructor } of constructors) {
        // Only what differs: V8 takes any write for the end of what it relies on.
        if (prototype.constructor !== constructor) prototype.constructor = constructor;
      }
    },
  };
}
