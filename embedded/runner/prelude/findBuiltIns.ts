/**
 * Finds every object that is built into a realm: what the globals lead to, and what only syntax leads to. Or, from another
 * root, what leads on from there. Like `hostBoundary.ts` it is evaluated inside the realm from its own text.
 */
export interface BuiltIns {
  objects: ReadonlySet<object>;
  /** Those of them that other objects inherit from. */
  prototypes: ReadonlySet<object>;
}

interface WithHelpers {
  map(change: (item: unknown) => unknown): unknown;
}

/** `isOther`: is left out with what only it leads to. What the platform gives belongs to the host. */
export function findBuiltIns(isOther: (value: object) => boolean, root: object | null = null): BuiltIns {
  const { Iterator } = globalThis as unknown as { Iterator: { from(source: object): unknown } };
  const arrayIterator = [][Symbol.iterator]() as unknown as WithHelpers;
  const segments = new Intl.Segmenter().segment("");
  const reachedBySyntax: unknown[] = [
    function* () {},
    async function () {},
    async function* () {},
    (function* () {})(),
    (async function* () {})(),
    arrayIterator,
    new Map()[Symbol.iterator](),
    new Set()[Symbol.iterator](),
    ""[Symbol.iterator](),
    "".matchAll(/a/g),
    Iterator.from({ next: () => ({ done: true, value: undefined }) }),
    arrayIterator.map((item) => item),
    segments,
    segments[Symbol.iterator](),
  ];

  const objects = new Set<object>();
  const prototypes = new Set<object>();
  const pending: object[] = [];
  const visit = (value: unknown): void => {
    const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
    if (!isObject || objects.has(value) || isOther(value)) return;
    objects.add(value);
    pending.push(value);
  };
  const visitPrototype = (value: unknown): void => {
    visit(value);
    if (typeof value === "object" && value !== null && !isOther(value)) prototypes.add(value);
  };
  if (root === null) {
    prototypes.add(Function.prototype);
    visit(globalThis);
    for (const value of reachedBySyntax) visitPrototype(Object.getPrototypeOf(value));
  } else {
    visit(root);
    // What a module exports is behind getters.
    for (const key of Reflect.ownKeys(root)) visit((root as Record<string | symbol, unknown>)[key]);
  }
  for (let object = pending.pop(); object; object = pending.pop()) {
    visitPrototype(Object.getPrototypeOf(object));
    for (const key of Reflect.ownKeys(object)) {
      const property: Record<string, unknown> = { ...Object.getOwnPropertyDescriptor(object, key) };
      if (key === "prototype") visitPrototype(property["value"]);
      for (const held of ["value", "get", "set"]) visit(property[held]);
    }
  }
  return { objects, prototypes };
}
