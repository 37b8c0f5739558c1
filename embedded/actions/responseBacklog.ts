/**
 * What the clients of all responses have not read yet. A function never waits for its client, so what it writes piles up here:
 * when it is too much, the client that left most unread is cut off. Its function runs on.
 */
import type { ServerResponse } from "node:http";

export class ResponseBacklog {
  readonly #maxBytes: number;
  readonly #onCut: (sentence: string) => void;
  readonly #unread = new Map<ServerResponse, number>();
  #total = 0;

  constructor(maxBytes: number, onCut: (sentence: string) => void) {
    this.#maxBytes = maxBytes;
    this.#onCut = onCut;
  }

  write(outgoing: ServerResponse, chunk: Uint8Array): void {
    if (outgoing.destroyed || outgoing.writableEnded) return;
    if (!this.#unread.has(outgoing)) {
      this.#unread.set(outgoing, 0);
      outgoing.once("close", () => this.#forget(outgoing));
    }
    this.#add(outgoing, chunk.byteLength);
    outgoing.write(chunk, () => this.#add(outgoing, -chunk.byteLength));
    if (this.#total > this.#maxBytes) this.#cutLargest();
  }

  #add(outgoing: ServerResponse, bytes: number): void {
    const unread = this.#unread.get(outgoing);
    if (unread === undefined) return; // its connection has ended
    this.#unread.set(outgoing, unread + bytes);
    this.#total += bytes;
  }

  #cutLargest(): void {
    const [largest] = [...this.#unread].sort(([, left], [, right]) => right - left);
    if (!largest) return;
    const [outgoing, bytes] = largest;
    this.#onCut(
      `A client was cut off: ${bytes} bytes of its response were unread, and ${this.#maxBytes} are kept for all.`,
    );
    this.#forget(outgoing);
    outgoing.destroy();
  }

  #forget(outgoing: ServerResponse): void {
    this.#total -= this.#unread.get(outgoing) ?? 0;
    this.#unread.delete(outgoing);
  }
}
