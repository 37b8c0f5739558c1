/** What a client shows of a reply, over thousands of made-up lives of one, in whatever order it hears of it. */
import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hasEnded, type RunStatus } from "../../../convex/shared/streamEvents.ts";
import type { ReplyBody } from "../../../src/streaming/replySnapshot.ts";
import { ReplyStore, type DriverFeed } from "../../../src/streaming/replyStore.ts";
import { deliveries, replyWorld, type Delivery, type ReplyWorld, type Version } from "./replyWorld.ts";

const immediately = { request: (update: () => void) => update(), cancel: () => {} };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const bodyStatus: Record<RunStatus, ReplyBody["status"]> = {
  queued: "pending",
  running: "streaming",
  recovering: "streaming",
  complete: "done",
  stopped: "done",
  failed: "error",
  interrupted: "error",
};

/** One client that hears of a world, and checks at every change that a person would notice nothing. */
class Client {
  readonly store: ReplyStore;
  readonly statuses = new Set<RunStatus>();
  readonly faults: string[] = [];
  private readonly world: ReplyWorld;
  private readonly truth: string;
  private now = 0;
  private shown = "";
  private driver: { feed: DriverFeed; attempt: number; sent: number; signal: AbortSignal } | null = null;

  /** Opens the reply when the database is at the version `opensAt`; at the first one it has just asked for it. */
  constructor(world: ReplyWorld, opensAt: number) {
    this.world = world;
    this.now = Math.min(opensAt, world.versions.length - 1);
    this.store = new ReplyStore({ updates: immediately, head: this.now === 0 ? null : this.version(0) });
    this.truth = (world.versions.at(-1) as Version).text;
    this.store.subscribe(() => this.look());
  }

  hear(delivery: Delivery): void {
    switch (delivery.kind) {
      case "time passes":
        this.now = Math.min(this.now + delivery.versions, this.world.versions.length - 1);
        return;
      case "head":
        this.hearHead();
        return;
      case "tail":
        this.hearTail(this.version(delivery.late));
        return;
      case "body":
        this.hearBody(this.version(delivery.late));
        return;
      case "driver begins":
        this.beginDriving();
        return;
      case "live text":
        this.hearLiveText(delivery.length);
        return;
      case "driver is cut":
        this.driver?.feed.onEnd({ kind: "cut" });
        this.driver = null;
        return;
      case "device wakes":
        this.store.wake(0);
        return;
      default:
        delivery satisfies never;
    }
  }

  /** Hears of the database as it is, and then gets what it asks for until it asks for nothing new. */
  catchUp(): void {
    this.hearHead();
    for (let answers = 0; answers < 5; answers += 1) {
      const { feed } = this.store.getSnapshot();
      if (feed === "tail" || feed === "tailAndBody") this.hearTail(this.version(0));
      if (feed === "body" || feed === "tailAndBody") this.hearBody(this.version(0));
    }
  }

  /** Lets the reply come to its end and the connection to its own. */
  async end(): Promise<void> {
    this.now = this.world.versions.length - 1;
    this.hear({ kind: "driver is cut" });
    this.catchUp();
    await vi.advanceTimersByTimeAsync(2_000);
    this.catchUp();
  }

  get persisted(): string {
    return this.version(0).text;
  }

  private version(late: number): Version {
    return this.world.versions[Math.max(0, this.now - late)] as Version;
  }

  private hearHead(): void {
    const { status, attempt } = this.version(0);
    this.store.receiveHead({ status, attempt });
  }

  private hearTail({ attempt, text, tailFrom }: Version): void {
    this.store.receiveTail({ attempt, from: tailFrom, text: text.slice(tailFrom) });
  }

  private hearBody({ status, text }: Version): void {
    this.store.receiveBody({ text, status: bodyStatus[status] });
  }

  private beginDriving(): void {
    const { status, attempt } = this.version(0);
    if (status !== "running" || this.driver !== null) return;
    const connection = new AbortController();
    const feed = this.store.beginDriving(connection);
    if (feed === null) return;
    const { beginsAt } = this.attempt(attempt);
    this.driver = { feed, attempt, sent: beginsAt, signal: connection.signal };
    feed.onEvent({ kind: "start", attempt, from: beginsAt });
  }

  private hearLiveText(length: number): void {
    if (this.driver === null || this.driver.signal.aborted) return;
    const { feed, attempt, sent } = this.driver;
    const { text } = this.attempt(attempt);
    const piece = text.slice(sent, sent + length);
    if (piece !== "") feed.onEvent({ kind: "text", offset: sent, text: piece });
    this.driver.sent += piece.length;
    if (this.driver.sent === text.length) this.hearDone(this.driver, text.length);
  }

  /** The body says that it is done only when the database has it all. */
  private hearDone({ feed, attempt }: { feed: DriverFeed; attempt: number }, length: number): void {
    const { status, attempt: lastAttempt } = this.version(0);
    if (lastAttempt !== attempt || (status !== "complete" && status !== "stopped")) return;
    const last = { kind: "done", status, length } as const;
    feed.onEvent(last);
    feed.onEnd({ kind: "finished", last });
    this.driver = null;
  }

  private attempt(number: number) {
    return this.world.attempts[number - 1] as ReplyWorld["attempts"][number];
  }

  /** Notes what somebody who looks at the screen would call a fault. */
  private look(): void {
    const { text, status, feed, textKnown } = this.store.getSnapshot();
    this.statuses.add(status);
    const before = this.shown;
    this.shown = text;
    const fault = (what: string) => this.faults.push(`${what}: “${text}” after “${before}”`);
    if (!this.world.attempts.some((attempt) => attempt.text.startsWith(text))) fault("what nobody wrote");
    // What was shown and is no part of the reply any more may be replaced, in one step; all else only grows.
    if (this.truth.startsWith(before) && !text.startsWith(before)) fault("the text did not only grow");
    // A skeleton stands in the place of a text that is not known.
    if (hasEnded(status) && textKnown && text !== this.truth) fault(`${status} with a part of the text`);
    if (hasEnded(status) && textKnown && feed !== "none" && status !== "failed")
      fault(`${status}, and reads on`);
  }
}

const runs = { numRuns: 5_000 };
const opening = fc.oneof(fc.constant(0), fc.nat({ max: 20 }));

test("what a client shows only grows, until it is the reply", async () => {
  await fc.assert(
    fc.asyncProperty(replyWorld, opening, deliveries, async (world, opensAt, heard) => {
      const client = new Client(world, opensAt);
      for (const delivery of heard) client.hear(delivery);
      await client.end();
      const end = world.versions.at(-1);
      expect(client.store.getSnapshot()).toMatchObject({
        text: end?.text,
        status: end?.status,
        feed: "none",
      });
      expect(client.faults).toEqual([]);
      client.store.close();
    }),
    runs,
  );
});

test("a client that watches always asks for what it lacks", async () => {
  await fc.assert(
    fc.asyncProperty(replyWorld, opening, deliveries, async (world, opensAt, heard) => {
      const client = new Client(world, opensAt);
      for (const delivery of heard) client.hear(delivery);
      client.hear({ kind: "driver is cut" });
      client.catchUp();
      expect(client.store.getSnapshot().text.startsWith(client.persisted)).toBe(true);
      expect(client.faults).toEqual([]);
      client.store.close();
    }),
    runs,
  );
});

test("every status is shown in some life", async () => {
  const seen = new Set<RunStatus>();
  await fc.assert(
    fc.asyncProperty(replyWorld, opening, deliveries, async (world, opensAt, heard) => {
      const client = new Client(world, opensAt);
      for (const delivery of heard) client.hear(delivery);
      await client.end();
      for (const status of client.statuses) seen.add(status);
      client.store.close();
    }),
    { numRuns: 500 },
  );
  expect([...seen].toSorted()).toEqual(Object.keys(bodyStatus).toSorted());
});
