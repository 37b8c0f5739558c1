import { describe, expect, test } from "vitest";
import { keepReplyTexts, takeKeptReplyTexts } from "../../../src/streaming/keptReplyTexts.ts";
import {
  emptyReplyText,
  mergeBody,
  mergePiece,
  settleText,
  visibleText,
  type ReplyText,
} from "../../../src/streaming/mergeReplyText.ts";
import { seededRandom, type Random } from "./random.ts";

const alphabet = ["a", "b", " ", ".", "\n", "é", "日", "😀"];
const seeds = Array.from({ length: 500 }, (_, seed) => seed);

function randomText(random: Random, length: number): string {
  return Array.from({ length }, () => alphabet[random.integer(0, alphabet.length - 1)]).join("");
}

/** One reply that is written in front of several readers: what was sent, and how much of it the database holds. */
class WrittenReply {
  attempt = 1;
  sent = "";
  persisted = 0;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  step(): void {
    if (this.random.chance(0.5)) this.sent += randomText(this.random, this.random.integer(1, 12));
    else this.persisted = this.random.integer(this.persisted, this.sent.length);
  }

  /** The run dies; a successor goes on from what is persisted. */
  takeOver(): void {
    this.attempt += 1;
    this.sent = this.sent.slice(0, this.persisted);
  }

  tail() {
    const from = this.random.integer(0, this.persisted);
    return {
      attempt: this.attempt,
      from,
      text: this.sent.slice(from, this.persisted),
      source: "persisted" as const,
    };
  }

  body(): string {
    return this.sent.slice(0, this.persisted);
  }
}

/** Lets a reader hear something at random, as a driver or from the database; answers what it then knows. */
function hear(state: ReplyText, reply: WrittenReply, random: Random, drives: boolean): ReplyText {
  if (drives && random.chance(0.6)) {
    const offset = random.integer(0, state.text.length);
    const text = reply.sent.slice(offset, random.integer(offset, reply.sent.length));
    return mergePiece(state, { attempt: reply.attempt, from: offset, text, source: "live" }).state;
  }
  const heard = mergePiece(state, reply.tail());
  return heard.outcome === "gap" || random.chance(0.1)
    ? mergeBody(heard.state, reply.body(), reply.attempt)
    : heard.state;
}

/** What the page knows after a reload. */
function reloaded(state: ReplyText): ReplyText {
  keepReplyTexts(new Map([["a", state]]));
  return takeKeptReplyTexts().get("a") ?? emptyReplyText;
}

/** What the text on the screen did wrong between two looks at it, if anything. */
function wrong(before: string, after: string, sent: string, wasTakenOver: boolean): string | null {
  // What a dead attempt showed may stay for a while; anything new must be true.
  if (after === before && wasTakenOver) return null;
  if (!sent.startsWith(after)) return "shows what was not sent";
  if (after.startsWith(before)) return null;
  return wasTakenOver && !before.startsWith(after) ? null : "shrank or changed without a difference";
}

/** Lets one reader follow one reply from its first word to its last; answers the faults that were seen. */
function follow(seed: number, chances: { takeOver: number; reload: number }): string[] {
  const random = seededRandom(seed);
  const reply = new WrittenReply(random);
  const faults: string[] = [];
  let state = emptyReplyText;
  let drives = true;
  const hearAndCheck = () => {
    const before = visibleText(state);
    state = hear(state, reply, random, drives);
    const fault = wrong(before, visibleText(state), reply.sent, reply.attempt > 1);
    if (fault !== null)
      faults.push(`seed ${seed}: ${fault}: ${JSON.stringify([before, visibleText(state)])}`);
  };
  for (let step = 0; step < 120; step += 1) {
    reply.step();
    if (random.chance(0.02)) drives = false;
    if (random.chance(chances.takeOver)) {
      reply.takeOver();
      drives = false;
    }
    if (random.chance(chances.reload)) {
      drives = false;
      const before = visibleText(state);
      state = reloaded(state);
      if (visibleText(state) !== before) faults.push(`seed ${seed}: changed by a reload`);
    }
    hearAndCheck();
  }
  reply.persisted = reply.sent.length;
  state = settleText(state, reply.body());
  if (visibleText(state) !== reply.sent) faults.push(`seed ${seed}: does not end with what was sent`);
  return faults;
}

describe("the merged text of a reply", () => {
  test("within an attempt only grows and is a prefix of what was sent", () => {
    expect(seeds.flatMap((seed) => follow(seed, { takeOver: 0, reload: 0 }))).toEqual([]);
  });

  test("over take-overs changes only where the successor differs, and then to what was sent", () => {
    expect(seeds.flatMap((seed) => follow(seed, { takeOver: 0.05, reload: 0 }))).toEqual([]);
  });

  test("over take-overs and reloads in any order does the same, and no reload changes it", () => {
    expect(seeds.flatMap((seed) => follow(seed, { takeOver: 0.05, reload: 0.05 }))).toEqual([]);
  });

  test("a tail that begins beyond what is known is a gap, and the body closes it", () => {
    const tail = { attempt: 1, from: 4, text: "efgh", source: "persisted" as const };
    const gap = mergePiece(emptyReplyText, tail);
    expect(gap).toEqual({ state: emptyReplyText, outcome: "gap" });
    const filled = mergePiece(mergeBody(gap.state, "abcdef", 1), tail);
    expect(visibleText(filled.state)).toBe("abcdefgh");
    expect(filled.state.persistedLength).toBe(8);
  });

  test("what a dead attempt showed stays until the successor has covered it", () => {
    const died: ReplyText = { attempt: 1, text: "one two three", persistedLength: 4, held: null };
    const successor = (text: string) => ({ attempt: 2, from: 4, text, source: "persisted" as const });
    const begun = mergePiece(died, successor("tw")).state;
    expect(visibleText(begun)).toBe("one two three");
    const covered = mergePiece(begun, successor("two three four")).state;
    expect(visibleText(covered)).toBe("one two three four");
    expect(covered.held).toBeNull();
  });

  test("a successor that differs replaces it in one step", () => {
    const died: ReplyText = { attempt: 1, text: "one two three", persistedLength: 4, held: null };
    const differs = mergePiece(died, { attempt: 2, from: 4, text: "2", source: "persisted" }).state;
    expect(visibleText(differs)).toBe("one 2");
  });

  test("a successor's tail is no continuation of text that only the dead attempt had", () => {
    const died: ReplyText = { attempt: 1, text: "one two three", persistedLength: 4, held: null };
    const tail = { attempt: 2, from: 8, text: "3", source: "persisted" as const };
    expect(mergePiece(died, tail).outcome).toBe("gap");
    expect(visibleText(mergePiece(mergeBody(died, "one 2, 3", 2), tail).state)).toBe("one 2, 33");
  });

  test("words of an earlier attempt that come late are left out", () => {
    const state: ReplyText = { attempt: 2, text: "one", persistedLength: 3, held: null };
    const late = mergePiece(state, { attempt: 1, from: 3, text: " two", source: "live" });
    expect(late).toEqual({ state, outcome: "stale" });
  });

  test("a tail that contradicts what is known sends the reader to the body", () => {
    const state: ReplyText = { attempt: 1, text: "one two", persistedLength: 7, held: null };
    expect(mergePiece(state, { attempt: 1, from: 4, text: "2 and more", source: "persisted" }).outcome).toBe(
      "gap",
    );
  });
});
