/** Requests this tab has sent and not yet seen in the chat's list: they are on the screen from the first moment. */
import type { Turn } from "../../convex/shared/streamEvents.ts";
import type { TurnRequest } from "./turnRequest.ts";

export interface PendingSend {
  request: TurnRequest;
  /** Null while the chat itself is being made. */
  chatId: string | null;
  /** The page that shows it until its chat is made. */
  pageKey: string | null;
  /** Null until the server has the request. */
  turn: Turn | null;
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

  /** The message by which a page makes its chat; null when it has sent none. */
  startedOn(pageKey: string): PendingSend | null {
    return this.sends.find((send) => send.request.kind === "newChat" && send.pageKey === pageKey) ?? null;
  }

  has(clientRequestId: string): boolean {
    return this.sends.some(({ request }) => request.clientRequestId === clientRequestId);
  }

  add(send: PendingSend): void {
    this.replace([...this.sends, send]);
  }

  accept(clientRequestId: string, turn: Turn): void {
    this.replace(
      this.sends.map((send) =>
        send.request.clientRequestId === clientRequestId ? { ...send, chatId: turn.chatId, turn } : send,
      ),
    );
  }

  remove(clientRequestIds: ReadonlySet<string>): void {
    const left = this.sends.filter(({ request }) => !clientRequestIds.has(request.clientRequestId));
    if (left.length !== this.sends.length) this.replace(left);
  }

  private replace(sends: readonly PendingSend[]): void {
    this.sends = sends;
    for (const listener of this.listeners) listener();
  }
}

export const pendingSends = new PendingSends();
