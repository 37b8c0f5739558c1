/**
 * `globalThis` of one run in a realm that is kept: shows all globals of the realm, and takes what the run sets for itself.
 * Like `hostBoundary.ts` it is evaluated inside the realm from its own text, before its globals are locked.
 */
export interface RunGlobals {
  /** `own` are properties of its own. */
  make(own: Readonly<Record<string, unknown>>): object;
  /** Names that it shows without having been given them. */
  has(name: string): boolean;
}

export function showGlobals(): RunGlobals {
  const { create, defineProperty, hasOwn, keys } = Object;
  const shown: Record<string, PropertyDescriptor> = {};
  const define = (object: object, name: string, value: unknown, enumerable: boolean): void => {
    defineProperty(object, name, { value, enumerable, writable: true, configurable: true });
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const property: Record<string, unknown> = { ...Object.getOwnPropertyDescriptor(globalThis, name) };
    shown[name] = {
      get: (property["get"] as (() => unknown) | undefined) ?? (() => property["value"]),
      set(this: object, value: unknown) {
        define(this, name, value, true);
      },
    };
  }
  const everyGlobal = Object.freeze(create(Object.prototype, shown)) as object;
  return {
    make(own) {
      const global = create(everyGlobal) as object;
      for (const name of keys(own)) define(global, name, own[name], false);
      define(global, "globalThis", global, false);
      define(global, "self", global, false);
      return global;
    },
    has: (name) => hasOwn(shown, name),
  };
}
