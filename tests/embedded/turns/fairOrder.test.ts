import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FairOrder } from "../../../embedded/turns/fairOrder.ts";

/** The same rules written down plainly: looks at everybody at each step, and forgets nothing while somebody waits. */
class PlainOrder {
  readonly #starts = new Map<string, { startMs: number; sequence: number }>();
  readonly #ends = new Map<string, number>();
  #nowMs = 0;
  #sequence = 0;

  wait(owner: string): void {
    if (this.#starts.has(owner)) return;
    const startMs = Math.max(this.#nowMs, this.#ends.get(owner) ?? 0);
    this.#starts.set(owner, { startMs, sequence: this.#sequence++ });
  }

  leave(owner: string): void {
    this.#starts.delete(owner);
    if (this.#starts.size > 0) return;
    this.#ends.clear();
    this.#nowMs = 0;
  }

  next(): string | null {
    const [first] = [...this.#starts].toSorted(
      ([, a], [, b]) => a.startMs - b.startMs || a.sequence - b.sequence,
    );
    if (first === undefined) return null;
    this.#nowMs = Math.max(this.#nowMs, first[1].startMs);
    return first[0];
  }

  used(owner: string, ms: number): void {
    const place = this.#starts.get(owner);
    const startMs = (place?.startMs ?? Math.max(this.#nowMs, this.#ends.get(owner) ?? 0)) + ms;
    this.#ends.set(owner, startMs);
    this.#nowMs += ms / Math.max(1, this.#starts.size);
    if (place !== undefined) this.#starts.set(owner, { startMs, sequence: this.#sequence++ });
  }
}

/** Some that come often, among many that come once. */
const owner = fc.oneof(fc.constantFrom("a", "b", "c", "d"), fc.nat(400).map(String));
const step = fc.oneof(
  fc.record({ kind: fc.constant("wait" as const), owner }),
  fc.record({ kind: fc.constant("leave" as const), owner }),
  fc.record({ kind: fc.constant("serve" as const), ms: fc.integer({ min: 1, max: 1_000 }) }),
  fc.record({ kind: fc.constant("used" as const), owner, ms: fc.integer({ min: 1, max: 1_000 }) }),
);

test("whoever is next is whom the plain rules name, whatever came, went and took how long", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const order = new FairOrder<string>();
      const plain = new PlainOrder();
      for (const one of steps) {
        if (one.kind === "wait") [order, plain].forEach((each) => each.wait(one.owner));
        else if (one.kind === "leave") [order, plain].forEach((each) => each.leave(one.owner));
        else {
          const next = one.kind === "used" ? one.owner : plain.next();
          if (next !== null) [order, plain].forEach((each) => each.used(next, one.ms));
        }
        expect(order.next()?.owner ?? null).toBe(plain.next());
      }
    }),
    { numRuns: 200 },
  );
});

test("of owners that always wait, none has had more than the others by more than the longest turn of each", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 2, maxLength: 8 }), fc.nat(300), (lines, turns) => {
      const order = new FairOrder<number>();
      const used = lines.map(() => 0);
      for (const place of lines.keys()) order.wait(place);
      for (let turn = 0; turn < turns; turn += 1) {
        const { owner: place } = order.next()!;
        const ms = lines[place]![turn % lines[place]!.length]!;
        order.used(place, ms);
        used[place]! += ms;
        const longest = lines.map((line) => Math.max(...line));
        for (const [a, b] of [
          [place, 0],
          [place, lines.length - 1],
        ] as const) {
          expect(Math.abs(used[a]! - used[b]!)).toBeLessThanOrEqual(longest[a]! + longest[b]!);
        }
      }
    }),
  );
});

test("an endless stream of newcomers does not hold up whoever took long once", () => {
  const order = new FairOrder<string>();
  order.wait("slow");
  order.wait("newcomer 0");
  order.used("slow", 1_000);
  let served = 0;
  for (; served < 10_000; served += 1) {
    order.wait(`newcomer ${served}`);
    const { owner: next } = order.next()!;
    if (next === "slow") break;
    order.used(next, 1);
    order.leave(next);
  }
  expect(served).toBeLessThan(2_100);
  expect(served).toBeGreaterThan(900);
});

test("who was idle has gathered no credit", () => {
  const order = new FairOrder<string>();
  order.wait("early");
  order.used("early", 1);
  order.leave("early");
  order.wait("busy");
  for (let turn = 0; turn < 1_000; turn += 1) order.used("busy", 1);
  order.wait("early");
  const turns = Array.from({ length: 6 }, () => {
    const { owner: next } = order.next()!;
    order.used(next, 1);
    return next;
  });
  expect(turns.filter((name) => name === "early")).toHaveLength(3);
});
