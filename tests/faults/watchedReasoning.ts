/** A reply's thoughts as a page shows them while they are open: heard by its driver, else read as `useReasoning` does. */
import type { ConvexClient } from "convex/browser";
import { api } from "../../convex/_generated/api.js";
import { allRead, mergeReasoning, nothingRead, readOn } from "../../src/streaming/mergeReasoning.ts";
import type { ReplySnapshot } from "../../src/streaming/replySnapshot.ts";
import type { Thought } from "./evidence.ts";

export class WatchedReasoning {
  private readonly client: ConvexClient;
  private readonly streamId: string;
  private readonly onShown: (thoughts: readonly Thought[]) => void;
  /** What is final of what was read, and the newest answer on top of it. */
  private read = nothingRead;
  private newest = nothingRead;
  private heard: ReplySnapshot | null = null;
  private isThere = false;
  private isAnswered = false;
  private isClosed = false;
  private shown = "";
  private unsubscribe: (() => void) | null = null;

  constructor(client: ConvexClient, streamId: string, onShown: (thoughts: readonly Thought[]) => void) {
    this.client = client;
    this.streamId = streamId;
    this.onShown = onShown;
  }

  /** An answer is awaited. */
  get isLoading(): boolean {
    return this.isThere && !this.hasHeardAll && !this.isAnswered;
  }

  /** Says whether there is anything to read. */
  expect(isThere: boolean): void {
    this.isThere = isThere;
    this.follow();
  }

  hear(snapshot: ReplySnapshot): void {
    this.heard = snapshot;
    this.follow();
    this.show();
  }

  close(): void {
    this.isClosed = true;
    this.stopReading();
  }

  /** A driver that heard everything from the beginning needs no one else. */
  private get hasHeardAll(): boolean {
    return this.heard?.role === "driver" && this.heard.reasoning?.from === 0;
  }

  private follow(): void {
    const isWanted = this.isThere && !this.hasHeardAll && !this.isClosed;
    if (isWanted && this.unsubscribe === null) this.startReading();
    if (!isWanted) this.stopReading();
  }

  private startReading(): void {
    const { streamId } = this;
    const { fromPart } = this.read;
    const args = fromPart === 0 ? { streamId } : { streamId, fromPart };
    let isOver = false;
    let end = () => {};
    this.unsubscribe = () => {
      isOver = true;
      end();
    };
    // The client may answer from what it knows while it subscribes.
    end = this.client.onUpdate(api.reasoning.get, args, (answer) => {
      if (isOver) return;
      this.isAnswered = true;
      this.newest = answer ? readOn(this.read, answer) : this.read;
      this.show();
      if (this.newest.fromPart > this.read.fromPart) this.readOnBehind();
    });
    if (isOver) end();
  }

  private readOnBehind(): void {
    this.read = this.newest;
    this.stopReading();
    this.startReading();
  }

  private stopReading(): void {
    this.unsubscribe?.();
    this.unsubscribe = null;
    this.isAnswered = false;
  }

  private show(): void {
    const thoughts = mergeReasoning(allRead(this.newest), this.heard?.reasoning ?? null);
    const key = JSON.stringify(thoughts);
    if (this.isClosed || key === this.shown || thoughts.length === 0) return;
    this.shown = key;
    this.onShown(thoughts);
  }
}
