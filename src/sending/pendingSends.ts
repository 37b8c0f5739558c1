/** Messages this tab has sent and not yet seen in the chat's list: they are on the screen from the first moment. */
import type { Id } from "../../convex/_generated/dataModel.js";

export interface SentIds {
  chatId: Id<"chats">;
  userMessageId: Id<"messages">;
  /** The reply's. */
  messageId: Id<"messages">;
  streamId: string;
}

export interface PendingSend {
  clientRequestId: string;
  /** Null while the chat itself is being made. */
  chatId: string | null;
  text: string;
  model: string | null;
  /** Null until the server has the message. */
  ids: SentIds | null;
}

class PendingSends {
  private sends: readonly PendingSend[] = [];
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The same array until something changes. */
  getAll = (): readonly PendingSend[] => this.sends;

  add(send: PendingSend): void {
    this.replace([...this.sends, send]);
  }

  accept(clientRequestId: string, ids: SentIds): void {
    this.replace(
      this.sends.map((send) =>
        send.clientRequestId === clientRequestId ? { ...send, chatId: ids.chatId, ids } : send,
      ),
    );
  }

  remove(clientRequestIds: ReadonlySet<string>): void {
    const left = this.sends.filter((send) => !clientRequestIds.has(send.clientRequestId));
    if (left.length !== this.sends.length) this.replace(left);
  }

  private replace(sends: readonly PendingSend[]): void {
    this.sends = sends;
    for (const listener of this.listeners) listener();
  }
}

export const pendingSends = new PendingSends();
