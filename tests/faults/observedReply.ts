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

  private note(): void {
    this.samples.push({ atMs: Date.now(), ...this.head, persistedLength: this.persistedLength });
  }
}
