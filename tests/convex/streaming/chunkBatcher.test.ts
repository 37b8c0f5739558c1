import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChunkBatcher } from "../../../convex/streaming/chunkBatcher.ts";
import { systemClock } from "../../../convex/streaming/clock.ts";
import { WellFormedText } from "../../../convex/streaming/wellFormedText.ts";
import { randomNumbers, randomPieces, randomText } from "../../support/randomText.ts";

interface Flush {
  at: number;
  from: number;
  text: string;
}

class FinalError extends Error {}

/** A database that takes `flushMs` for each flush and fails as often as it is told. */
class SlowDatabase {
  readonly flushes: Flush[] = [];
  flushMs = 10;
  failures: Error[] = [];
  private startedAt = Date.now();
  private underWay = 0;
  mostAtOnce = 0;

  flush = async (from: number, text: string) => {
    this.flushes.push({ at: Date.now() - this.startedAt, from, text });
    this.underWay += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underWay);
    await new Promise((resolve) => setTimeout(resolve, this.flushMs));
    this.underWay -= 1;
    const failure = this.failures.shift();
    if (failure) {
      throw failure;
    }
  };

  get texts() {
    return this.flushes.map((flush) => flush.text);
  }
}

function createBatcher(from = 0) {
  const database = new SlowDatabase();
  const batcher = new ChunkBatcher({
    from,
    flush: database.flush,
    isFinal: (error) => error instanceof FinalError,
    clock: systemClock,
  });
  return { batcher, database };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

describe("when it flushes", () => {
  test("a sentence that has ended is flushed at once, what follows it waits", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("One. Tw");
    await pass(0);
    expect(database.texts).toEqual(["One. "]);
  });

  test("a line that has ended is flushed at once", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("- a list\n- of");
    await pass(0);
    expect(database.texts).toEqual(["- a list\n"]);
  });

  test("a Chinese sentence ends without white space", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("你好。再");
    await pass(0);
    expect(database.texts).toEqual(["你好。"]);
  });

  test("dots inside code and numbers are no sentence ends", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("a.b.c(3.14)");
    await pass(100);
    expect(database.texts).toEqual([]);
  });

  test("a sentence whose white space comes in the next token ends then", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("One.");
    await pass(0);
    expect(database.texts).toEqual([]);
    batcher.push(" Two");
    await pass(0);
    expect(database.texts).toEqual(["One. "]);
  });

  test("without a sentence end the text is flushed after 200 ms, up to the last word end", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("several words wit");
    await pass(199);
    expect(database.texts).toEqual([]);
    await pass(1);
    expect(database.texts).toEqual(["several words "]);
  });

  test("a text without any white space is flushed whole when its time has come", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("中文没有空格");
    await pass(200);
    expect(database.texts).toEqual(["中文没有空格"]);
  });

  test("the last word of a text that stops coming is flushed too", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("several words wit");
    await pass(1_000);
    expect(database.texts).toEqual(["several words ", "wit"]);
  });

  test("a thousand characters are flushed without waiting", async () => {
    const { batcher, database } = createBatcher();
    batcher.push("word ".repeat(200));
    await pass(0);
    expect(database.texts).toEqual(["word ".repeat(200)]);
  });

  test("after a slow flush the next waits four times as long", async () => {
    const { batcher, database } = createBatcher();
    database.flushMs = 100;
    for (let index = 0; index < 20; index++) {
      batcher.push("word ");
      await pass(50);
    }
    expect(database.flushes.map((flush) => flush.at)).toEqual([200, 600, 1_000]);
  });

  test("after a very slow flush the next waits two seconds and no longer", async () => {
    const { batcher, database } = createBatcher();
    database.flushMs = 900;
    for (let index = 0; index < 100; index++) {
      batcher.push("word ");
      await pass(50);
    }
    expect(database.flushes.map((flush) => flush.at)).toEqual([200, 2_200, 4_200]);
  });

  test("there are never more than ten flushes a second", async () => {
    const { batcher, database } = createBatcher();
    database.flushMs = 1;
    for (let ms = 0; ms < 999; ms++) {
      batcher.push("End. ");
      await pass(1);
    }
    expect(database.flushes.length).toBeLessThanOrEqual(10);
    const gaps = database.flushes
      .slice(1)
      .map((flush, index) => flush.at - (database.flushes[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(100);
  });

  test("what arrives during a flush rides on the next: one is under way at a time", async () => {
    const { batcher, database } = createBatcher();
    database.flushMs = 300;
    batcher.push("First. ");
    await pass(0);
    batcher.push("Second. ");
    batcher.push("Third. ");
    await pass(300);
    expect(database.texts).toEqual(["First. ", "Second. Third. "]);
    expect(database.mostAtOnce).toBe(1);
  });
});

describe("what it promises", () => {
  test("while it is held no flush begins, also not one that was due or failed, and goes on when it is let go", async () => {
    const { batcher, database } = createBatcher();
    database.failures = [new Error("network")];
    batcher.push("First. Half a wor");
    await pass(0);
    batcher.hold(true);
    await pass(5_000);
    expect(database.texts).toEqual(["First. "]);
    expect(batcher.acknowledgedLength).toBe(0);
    batcher.hold(false);
    await pass(300);
    expect(database.texts).toEqual(["First. ", "First. ", "Half a "]);
    expect(batcher.acknowledgedLength).toBe("First. Half a ".length);
  });

  test("a flush that failed is sent again from the same offset, with what came meanwhile", async () => {
    const { batcher, database } = createBatcher(7);
    database.failures = [new Error("network")];
    batcher.push("First. ");
    await pass(0);
    batcher.push("Second. ");
    await pass(260);
    expect(database.flushes.map(({ from, text }) => ({ from, text }))).toEqual([
      { from: 7, text: "First. " },
      { from: 7, text: "First. Second. " },
    ]);
  });

  test("retries come less and less often", async () => {
    const { batcher, database } = createBatcher();
    database.failures = Array.from({ length: 10 }, () => new Error("network"));
    batcher.push("Text. ");
    await pass(8_000);
    expect(database.flushes.map((flush) => flush.at)).toEqual([0, 250, 750, 1_750, 3_750, 5_750, 7_750]);
  });

  test("an error that is final ends it, for those who wait too", async () => {
    const { batcher, database } = createBatcher();
    database.failures = [new FinalError("revoked")];
    batcher.push("Text. ");
    const refusal = batcher.room(0).catch((error: unknown) => error);
    await pass(10);
    expect(await refusal).toBeInstanceOf(FinalError);
    batcher.push("More. ");
    await pass(5_000);
    expect(database.flushes).toHaveLength(1);
    await expect(batcher.room(0)).rejects.toThrow("revoked");
  });

  test("room is there when little enough is unacknowledged", async () => {
    const { batcher } = createBatcher();
    batcher.push("x".repeat(3_000));
    let hasRoom = false;
    void batcher.room(1_000).then(() => {
      hasRoom = true;
    });
    await pass(9);
    expect(hasRoom).toBe(false);
    await pass(1);
    expect(hasRoom).toBe(true);
  });

  test("whatever the pieces and the failures, what is flushed is the text: in order, nothing twice, no pair split", async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      const text = randomText(random, 150);
      const { batcher, database } = createBatcher();
      database.flushMs = Math.floor(random() * 200);
      database.failures = Array.from({ length: 3 }, () => new Error("network"));
      const wellFormed = new WellFormedText();
      for (const piece of randomPieces(random, text, 12)) {
        batcher.push(wellFormed.push(piece));
        await pass(Math.floor(random() * 60));
      }
      batcher.push(wellFormed.end());
      await pass(60_000);
      let persisted = "";
      for (const { from, text: flushed } of database.flushes) {
        expect(flushed.isWellFormed()).toBe(true);
        expect(from).toBeLessThanOrEqual(persisted.length);
        persisted += flushed.slice(persisted.length - from);
      }
      expect(persisted).toBe(text.slice(0, batcher.acknowledgedLength));
      // The word that is not complete waits for the end.
      expect(persisted.length).toBe(text.length - batcher.unacknowledgedLength);
      expect(persisted).toContain(text.slice(0, text.trimEnd().lastIndexOf(" ")));
    }
  });
});
