/**
 * The web platform is shared by all realms of a thread: here it is made unchangeable, so that a patched prototype does not
 * outlive the run that patched it.
 */
import { platformGlobals } from "./platformGlobals.ts";
import { lockObject } from "./prelude/lockObject.ts";

/** What the host's own code hangs on, and no name of the platform leads to. */
const ofLanguage: ReadonlySet<unknown> = new Set([
  Object.prototype,
  Function.prototype,
  Error.prototype,
  Object,
  Function,
  Error,
]);

let isLocked = false;

export function lockPlatform(): void {
  if (isLocked) return;
  isLocked = true;
  const locked = new Set<unknown>(ofLanguage);
  const iterators = [new Uint8Array(), new URLSearchParams(), new Headers(), new FormData()].map((iterable) =>
    Object.getPrototypeOf(iterable[Symbol.iterator]()),
  );
  for (const value of [...Object.values(platformGlobals), ...iterators]) lockWithParents(value, locked);
}

function lockWithParents(value: unknown, locked: Set<unknown>): void {
  for (let object = value; isObject(object) && !locked.has(object); object = Object.getPrototypeOf(object)) {
    locked.add(object);
    const isPrototype = typeof object !== "function";
    const members = Reflect.ownKeys(object).flatMap((key) =>
      Object.values({ ...Object.getOwnPropertyDescriptor(object, key) } as Record<string, unknown>),
    );
    lockObject(object, { isPrototype });
    for (const member of members) if (isBuiltIn(member)) lockWithParents(member, locked);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Functions and prototypes: a platform class holds nothing else that is reached through it. */
function isBuiltIn(value: unknown): boolean {
  return typeof value === "function" || (isObject(value) && Object.hasOwn(value, "constructor"));
}
