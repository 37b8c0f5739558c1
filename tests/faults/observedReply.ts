/** A reply as a client without faults reads it: the status and length that the database has, at every change. */
import type { ConvexClient } from "convex/browser";
import { api } from "../../convex/_generated/api.js";
import { hasEnded, type RunStatus } from "../../convex/shared/streamEvents.ts";
import type { StoredSample } from "./evidence.ts";
import type { Turn } from "./tab.ts";

export class ObservedReply {
  readonly samples: StoredSample[] = [];
  endedAtMs: number | null = null;
  private readonly turn: Turn;
  private head: { status: RunStatus; attempt: number } = { status: "queued", attempt: 1 };
  private persistedLength = 0;

  constructor(turn: Turn) {
    this.turn = turn;
  }

  watch(client: ConvexClient): void {
    const { chatId, messageId, streamId } = this.turn;
    client.onUpdate(api.messages.list, { chatId }, (messages) => {
      const reply = messages.find(({ _id }) => _id === messageId)?.reply;
      if (!reply) return;
      this.head = { status: reply.status, attempt: reply.attempt };
      if (hasEnded(reply.status)) this.endedAtMs ??= Date.now();
      this.note();
    });
    client.onUpdate(api.messages.getTail, { streamId }, (tail) => {
      if (tail === null) return;
      this.persistedLength = tail.from + tail.text.length;
      this.note();
    });
  }

  get attempt(): number {
    return this.head.attempt;
  }

  /** The last moment at which nobody wrote it: only such a reply can wait for a place that others have. */
  get waitedUntilMs(): number {
    if (this.samples.length === 0) return Date.now();
    const waits = ({ status }: StoredSample) => status === "queued" || status === "recovering";
    const last = this.samples.findLastIndex(waits);
    return last === -1 ? 0 : (this.samples[last + 1]?.atMs ?? Date.now());
  }

  private note(): void {
    this.samples.push({ atMs: Date.now(), ...this.head, persistedLength: this.persistedLength });
  }
}
