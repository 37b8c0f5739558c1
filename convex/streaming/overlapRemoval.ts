/**
 * A model that continues a broken-off text may repeat its last words first. The beginning of what it says is
 * held back until the repetition would show, and an exact one is removed.
 */

/** UTF-16 units of the continuation that are held back; also the longest repetition that is found. */
const heldLength = 200;

/** Shorter repetitions occur by chance. */
const minOverlap = 20;

export class OverlapRemoval {
  private readonly before: string;
  private held: string | null;

  /** `before` is the persisted text; when it is empty nothing is held back. */
  constructor(before: string) {
    this.before = before.slice(-heldLength);
    this.held = before === "" ? null : "";
  }

  push(text: string): string {
    if (this.held === null) {
      return text;
    }
    this.held += text;
    return this.held.length >= heldLength ? this.end() : "";
  }

  /** What is still held back, when no more will come. */
  end(): string {
    const held = this.held ?? "";
    this.held = null;
    return held.slice(overlapLength(this.before, held));
  }
}

/** How many units at the start of `after` repeat the end of `before`; 0 if fewer than twenty. */
function overlapLength(before: string, after: string): number {
  for (let length = Math.min(before.length, after.length); length >= minOverlap; length--) {
    if (before.endsWith(after.slice(0, length))) {
      return length;
    }
  }
  return 0;
}
