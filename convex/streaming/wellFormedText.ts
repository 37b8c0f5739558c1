/**
 * Makes a stream of text well-formed: pairs that arrive in two pieces are joined, lone surrogates become
 * U+FFFD.
 */
import { isHighSurrogate } from "../model/textPieces.ts";

export class WellFormedText {
  /** A high surrogate whose other half may come with the next piece. */
  private held = "";

  push(piece: string): string {
    const text = this.held + piece;
    const endsInHalf = text !== "" && isHighSurrogate(text.charCodeAt(text.length - 1));
    this.held = endsInHalf ? text.slice(-1) : "";
    return (endsInHalf ? text.slice(0, -1) : text).toWellFormed();
  }

  /** What is left when no more will come. */
  end(): string {
    const rest = this.held.toWellFormed();
    this.held = "";
    return rest;
  }
}
