import { describe, expect, test } from "vitest";
import type { RunStatus } from "../../../convex/shared/streamEvents.ts";
import {
  replyState,
  type ReplyFacts,
  type ReplyReader,
  type ReplyState,
} from "../../../src/streaming/replyState.ts";

const statuses: RunStatus[] = [
  "queued",
  "running",
  "recovering",
  "complete",
  "stopped",
  "failed",
  "interrupted",
];
const readers: ReplyReader[] = ["sending", "offline", "driver", "spectator"];
const flags = ["hasText", "waitsForPlace", "isQueuedLong", "isThinking", "isDisconnected"] as const;

const allFacts: ReplyFacts[] = statuses.flatMap((status) =>
  readers.flatMap((reader) =>
    Array.from({ length: 2 ** flags.length }, (_, bits) => {
      const drawn = Object.fromEntries(flags.map((flag, index) => [flag, (bits & (1 << index)) !== 0]));
      return { status, reader, ...drawn } as ReplyFacts;
    }),
  ),
);

function statesOf(filter: (facts: ReplyFacts) => boolean): ReplyState[] {
  return [...new Set(allFacts.filter(filter).map(replyState))].toSorted();
}

const isLive = ({ status }: ReplyFacts) => ["queued", "running", "recovering"].includes(status);

describe("the state of a reply, over all that can be known of it", () => {
  test("every state is shown for some", () => {
    const ends = ["complete", "failed", "interrupted", "stopped"];
    const live = [
      "full",
      "offline",
      "queued",
      "reconnecting",
      "recovering",
      "sending",
      "thinking",
      "waiting",
    ];
    expect(statesOf(() => true)).toEqual([...ends, ...live, "writing"].toSorted());
  });

  test.each(["complete", "stopped", "failed", "interrupted"] as const)("%s is the last word", (status) => {
    expect(statesOf((facts) => facts.status === status)).toEqual([status]);
  });

  test.each(["sending", "offline"] as const)(
    "%s is all there is to say before the server has it",
    (reader) => {
      expect(statesOf((facts) => isLive(facts) && facts.reader === reader)).toEqual([reader]);
    },
  );

  test("a driver hears nothing of a queue, nor of the database's connection", () => {
    expect(statesOf((facts) => isLive(facts) && facts.reader === "driver")).toEqual([
      "recovering",
      "thinking",
      "waiting",
      "writing",
    ]);
  });

  test("a spectator without the database is reconnecting, and nobody else is", () => {
    const isCutOff = (facts: ReplyFacts) => facts.reader === "spectator" && facts.isDisconnected;
    expect(statesOf((facts) => isLive(facts) && isCutOff(facts))).toEqual(["reconnecting"]);
    expect(statesOf((facts) => !isCutOff(facts))).not.toContain("reconnecting");
  });

  test("a queue is told of only after a while, and that all places are taken only then too", () => {
    const isQueued = (facts: ReplyFacts) => facts.reader === "spectator" && facts.status === "queued";
    const isNear = (facts: ReplyFacts) => isQueued(facts) && !facts.isDisconnected;
    expect(statesOf((facts) => isNear(facts) && !facts.isQueuedLong)).toEqual(["waiting"]);
    expect(statesOf((facts) => isNear(facts) && facts.isQueuedLong && facts.waitsForPlace)).toEqual(["full"]);
    expect(statesOf((facts) => isNear(facts) && facts.isQueuedLong && !facts.waitsForPlace)).toEqual([
      "queued",
    ]);
  });

  test("a running reply is writing once it has text, and thinks only before", () => {
    const isNear = (facts: ReplyFacts) =>
      facts.status === "running" && facts.reader === "spectator" && !facts.isDisconnected;
    expect(statesOf((facts) => isNear(facts) && facts.hasText)).toEqual(["writing"]);
    expect(statesOf((facts) => isNear(facts) && !facts.hasText && facts.isThinking)).toEqual(["thinking"]);
    expect(statesOf((facts) => isNear(facts) && !facts.hasText && !facts.isThinking)).toEqual(["waiting"]);
  });
});
