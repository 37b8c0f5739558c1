/**
 * Makes one built-in object unchangeable. Used on the host's web classes and, from its own text, inside a realm that is
 * kept: it names nothing outside its body.
 *
 * A frozen prototype would also forbid `error.name = "…"` or `object.toString = …`, which give an object a property of its
 * own. Properties of prototypes therefore become accessors whose setter does just that.
 */
export interface LockOptions {
  isPrototype: boolean;
  /** Stays a data property that can be written; its value is put back by whoever asks for it. */
  keepsWritable?: (key: string | symbol) => boolean;
}

export function lockObject(object: object, { isPrototype, keepsWritable }: LockOptions): void {
  // V8 takes its fast ways through these classes while certain properties of them were never defined anew, not even with
  // the same value. They are frozen as they are; of the keys below, so is every other.
  const fastKeys = ["then", "next", "return", "exec", "concat", "resolve"];
  const fastOwners = [
    "Array",
    "ArrayBuffer",
    "Map",
    "Promise",
    "RegExp",
    "Set",
    "SharedArrayBuffer",
    "String",
  ];
  const made = Object.getOwnPropertyDescriptor(object, "constructor")?.value as
    | { name?: unknown }
    | undefined;
  const owner = typeof made === "function" ? made.name : "";
  const isFast = fastOwners.includes(owner) || owner.endsWith("Array") || Object.hasOwn(object, "next");
  const cannotAssign = (key: string): TypeError =>
    new TypeError(`Cannot assign to read only property '${key}' of a built-in object`);
  const assignable = (key: string, value: unknown): PropertyDescriptor => ({
    get() {
      return value;
    },
    set(this: object, own: unknown) {
      const isObject = (typeof this === "object" && this !== null) || typeof this === "function";
      if (!isObject || this === object) throw cannotAssign(key);
      Object.defineProperty(this, key, { value: own, writable: true, enumerable: true, configurable: true });
    },
    configurable: false,
  });
  let hasWritable = false;
  for (const key of Reflect.ownKeys(object)) {
    const { configurable, writable, value } = Object.getOwnPropertyDescriptor(object, key)!;
    if (!configurable || !writable) continue;
    if (keepsWritable?.(key) && !isFast) {
      hasWritable = true;
    } else if (
      isPrototype &&
      typeof key === "string" &&
      !fastKeys.includes(key) &&
      !(isFast && key === "constructor")
    ) {
      Object.defineProperty(object, key, assignable(key, value));
    }
  }
  if (!hasWritable) {
    Object.freeze(object);
    return;
  }
  for (const key of Reflect.ownKeys(object)) {
    const isData = "value" in Object.getOwnPropertyDescriptor(object, key)!;
    const staysWritable = !isData || keepsWritable?.(key) === true;
    Object.defineProperty(object, key, {
      configurable: false,
      ...(staysWritable ? {} : { writable: false }),
    });
  }
  Object.preventExtensions(object);
}
