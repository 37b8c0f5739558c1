/**
 * The second script of a realm for queries, mutations and analysis: the same inputs give the same result. Randomness comes from a seed, whether garbage was collected cannot be seen, and what reaches outside is
 * refused with Convex's advice. Like `hostBoundary.ts` it is evaluated inside the realm from its own text.
 */

/** Read at each use: a realm that is kept gets those of its next run. */
export interface DeterministicInputs {
  nowMs: number;
  /** What `performance.now()` shows. */
  elapsedMs(): number;
  nextUint32(): number;
  /** Of `crypto.subtle`. Answers at once: a promise of the host never settles in a realm that runs in one step. */
  subtle(method: string, args: readonly unknown[]): unknown;
  subtleMethods: readonly string[];
  fillRandom(array: ArrayBufferView): void;
  randomUUID(): string;
  /** Ends "Can't use setTimeout ...". */
  refusal: string;
}

export function installDeterminism(inputs: DeterministicInputs): void {
  const define = (name: string, value: unknown): void => {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  };
  const refuse = (what: string): Error => new Error(`Can't use ${what} ${inputs.refusal}`);

  define("performance", {
    now: () => inputs.elapsedMs(),
    get timeOrigin() {
      return inputs.nowMs;
    },
  });

  // 53 bits, as Math.random has.
  Math.random = () => ((inputs.nextUint32() >>> 5) * 2 ** 26 + (inputs.nextUint32() >>> 6)) / 2 ** 53;

  const subtle = {};
  for (const name of inputs.subtleMethods) {
    Object.defineProperty(subtle, name, { value: async (...args: unknown[]) => inputs.subtle(name, args) });
  }
  for (const name of ["generateKey", "deriveKey", "wrapKey", "unwrapKey"]) {
    Object.defineProperty(subtle, name, { value: () => Promise.reject(refuse(`crypto.subtle.${name}()`)) });
  }
  define("crypto", {
    subtle,
    getRandomValues<View extends ArrayBufferView>(array: View): View {
      inputs.fillRandom(array);
      return array;
    },
    randomUUID: () => inputs.randomUUID(),
  });

  define("fetch", () => Promise.reject(refuse("fetch()")));
  for (const name of ["setTimeout", "setInterval"]) {
    define(name, () => {
      throw refuse(name);
    });
  }
  define("clearTimeout", () => undefined);
  define("clearInterval", () => undefined);

  const isHeldWeakly = (value: unknown): boolean =>
    (typeof value === "object" && value !== null) ||
    typeof value === "function" ||
    (typeof value === "symbol" && Symbol.keyFor(value) === undefined);
  class WeakRef {
    readonly #target: unknown;
    constructor(target: unknown) {
      if (!isHeldWeakly(target)) throw new TypeError("target must be an object");
      this.#target = target;
    }
    deref(): unknown {
      return this.#target;
    }
    get [Symbol.toStringTag](): string {
      return "WeakRef";
    }
  }
  class FinalizationRegistry {
    constructor(cleanUp: unknown) {
      if (typeof cleanUp !== "function") throw new TypeError("cleanup must be callable");
    }
    register(target: unknown, held: unknown): void {
      if (!isHeldWeakly(target)) throw new TypeError("target must be an object");
      if (target === held) throw new TypeError("target and holdings must not be same");
    }
    unregister(): boolean {
      return false;
    }
    get [Symbol.toStringTag](): string {
      return "FinalizationRegistry";
    }
  }
  define("WeakRef", WeakRef);
  define("FinalizationRegistry", FinalizationRegistry);
}
