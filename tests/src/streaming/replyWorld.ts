/**
 * A made-up life of one reply, for tests of what a client makes of it: which attempts wrote what, when the database held
 * how much of it, and in which order a client hears of it. What a test draws at random is always possible in truth.
 */
import * as fc from "fast-check";
import type { RunStatus } from "../../../convex/shared/streamEvents.ts";

/** The database at one moment. */
export interface Version {
  status: RunStatus;
  attempt: number;
  /** All that is persisted. */
  text: string;
  /** Where the tail begins. */
  tailFrom: number;
}

export interface ReplyWorld {
  /** The text of each attempt, from the reply's beginning, as far as its model sent it. */
  attempts: { beginsAt: number; text: string }[];
  /** Oldest first; the last one is the end. */
  versions: Version[];
}

export type Delivery =
  | { kind: "time passes"; versions: number }
  | { kind: "head" }
  /** `late`: by how many versions the answer is behind. */
  | { kind: "tail"; late: number }
  | { kind: "body"; late: number }
  | { kind: "driver begins" }
  | { kind: "live text"; length: number }
  | { kind: "driver is cut" }
  | { kind: "device wakes" };

const word = fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 30, size: "max" });

interface DrawnAttempt {
  said: string;
  /** How much of what its predecessor lost it says again. */
  repeated: number;
  /** How much of it is persisted, out of 100. */
  kept: number;
  flushes: number[];
}

const drawnAttempt: fc.Arbitrary<DrawnAttempt> = fc.record({
  said: word,
  repeated: fc.nat({ max: 12 }),
  kept: fc.nat({ max: 100 }),
  flushes: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }),
});

const end = fc.constantFrom<RunStatus>("complete", "stopped", "failed", "interrupted");

export const replyWorld: fc.Arbitrary<ReplyWorld> = fc
  .tuple(fc.array(drawnAttempt, { minLength: 1, maxLength: 3 }), end, fc.nat({ max: 20 }))
  .map(([drawn, status, tailLength]) => worldOf(drawn, status, tailLength));

export const deliveries: fc.Arbitrary<Delivery[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("time passes" as const), versions: fc.nat(4) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "head" as const }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("tail" as const), late: fc.nat(3) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("body" as const), late: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.constant({ kind: "driver begins" as const }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("live text" as const), length: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.constant({ kind: "driver is cut" as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: "device wakes" as const }) },
  ),
  { maxLength: 60, size: "max" },
);

function worldOf(drawn: readonly DrawnAttempt[], status: RunStatus, tailLength: number): ReplyWorld {
  const attempts: ReplyWorld["attempts"] = [];
  const versions: Version[] = [{ status: "queued", attempt: 1, text: "", tailFrom: 0 }];
  const note = (change: Partial<Version>) => {
    const version = { ...(versions.at(-1) as Version), ...change };
    versions.push({ ...version, tailFrom: Math.max(0, version.text.length - tailLength) });
  };
  let persisted = "";
  let lost = "";
  drawn.forEach(({ said, repeated, kept, flushes }, index) => {
    const isLast = index === drawn.length - 1;
    const beginsAt = persisted.length;
    const text = persisted + lost.slice(0, repeated) + said;
    attempts.push({ beginsAt, text });
    if (index > 0) note({ status: "recovering", attempt: index + 1 });
    note({ status: "running" });
    // A run that was interrupted did not get all of it into the database.
    const isWhole = isLast && status !== "interrupted";
    const until = isWhole ? text.length : beginsAt + Math.floor(((text.length - beginsAt) * kept) / 100);
    for (const length of flushes) {
      persisted = text.slice(0, Math.min(until, persisted.length + length));
      note({ text: persisted });
    }
    persisted = text.slice(0, until);
    lost = text.slice(until);
    note({ text: persisted });
  });
  note({ status });
  return { attempts, versions };
}
