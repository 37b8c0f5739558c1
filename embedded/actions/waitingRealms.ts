/**
 * Realms of actions that wait with their modules evaluated, so that no run waits for that: a context and two provider SDKs cost
 * milliseconds. Each is used by one run. A few wait for each of the modules that were called last; a new one is made while
 * nothing else is to do.
 */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import { ActionRealm, type ActionRealmParts } from "./actionRealm.ts";

/** About a megabyte each. */
const maxEntries = 4;
const maxWaitingEach = 2;
/** So long nobody has begun a run. */
const pauseMs = 10;

interface Entry {
  componentPath: ComponentPath;
  modulePath: string;
  waiting: ActionRealm[];
}

export class WaitingRealms {
  readonly #partsOf: (path: ComponentPath) => ActionRealmParts | null;
  /** The last that was called is the first. */
  #entries: Entry[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** @param partsOf - As deployed now; null for a component that is none. */
  constructor(partsOf: (path: ComponentPath) => ActionRealmParts | null) {
    this.#partsOf = partsOf;
  }

  get count(): number {
    return this.#entries.reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /** For one run of a function of this module. `parts` may be older than what is deployed now. */
  take(componentPath: ComponentPath, modulePath: string, parts: ActionRealmParts): ActionRealm {
    const found = this.#expect(componentPath, modulePath).waiting.shift();
    this.#refillSoon();
    if (found && isSame(found.parts, parts)) return found;
    found?.realm.dispose();
    return new ActionRealm(parts);
  }

  /** One should wait for this module although nobody has called it yet. */
  expect(componentPath: ComponentPath, modulePath: string): void {
    this.#expect(componentPath, modulePath);
    this.#refillSoon();
  }

  /** Code or environment have changed. */
  renew(): void {
    for (const { waiting } of this.#entries) for (const { realm } of waiting.splice(0)) realm.dispose();
    this.#refillSoon();
  }

  #expect(componentPath: ComponentPath, modulePath: string): Entry {
    const known = this.#entries.find(
      (entry) => entry.componentPath === componentPath && entry.modulePath === modulePath,
    );
    const entry = known ?? { componentPath, modulePath, waiting: [] };
    this.#entries = [entry, ...this.#entries.filter((other) => other !== entry)];
    for (const { waiting } of this.#entries.splice(maxEntries))
      for (const { realm } of waiting) realm.dispose();
    return entry;
  }

  /** Under a crowd of runs none is made: it would only be in their way. */
  #refillSoon(): void {
    this.#timer?.refresh();
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#makeOne()) this.#refillSoon();
    }, pauseMs).unref();
  }

  /** @returns whether there was one to make. */
  #makeOne(): boolean {
    for (const entry of this.#entries) {
      if (entry.waiting.length >= maxWaitingEach) continue;
      const parts = this.#partsOf(entry.componentPath);
      if (!parts || !Object.hasOwn(parts.modules, entry.modulePath)) continue;
      const made = new ActionRealm(parts);
      made.realm.prepare(entry.modulePath);
      entry.waiting.push(made);
      return true;
    }
    return false;
  }
}

function isSame(left: ActionRealmParts, right: ActionRealmParts): boolean {
  return left.modules === right.modules && left.env === right.env;
}
