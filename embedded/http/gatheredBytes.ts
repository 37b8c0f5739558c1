/** Bytes that come in pieces. A sender chooses the size of the pieces, and each that is kept alone costs a hundred bytes and more. */

const smallPiece = 4 * 1024;
const tailSize = 64 * 1024;

export class GatheredBytes {
  readonly #pieces: Buffer[] = [];
  /** Where small pieces are put together. */
  #tail = Buffer.alloc(0);
  #tailUsed = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(piece: Uint8Array): void {
    this.#size += piece.length;
    if (piece.length > smallPiece) {
      this.#closeTail();
      this.#pieces.push(Buffer.from(piece.buffer, piece.byteOffset, piece.length));
      return;
    }
    if (this.#tailUsed + piece.length > this.#tail.length) {
      this.#closeTail();
      this.#tail = Buffer.allocUnsafeSlow(tailSize);
    }
    this.#tail.set(piece, this.#tailUsed);
    this.#tailUsed += piece.length;
  }

  whole(): Buffer<ArrayBuffer> {
    this.#closeTail();
    return Buffer.concat(this.#pieces);
  }

  #closeTail(): void {
    if (this.#tailUsed > 0) this.#pieces.push(this.#tail.subarray(0, this.#tailUsed));
    this.#tail = this.#tail.subarray(this.#tailUsed);
    this.#tailUsed = 0;
  }
}
