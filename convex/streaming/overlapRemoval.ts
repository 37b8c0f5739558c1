/**
 * A model that continues a broken-off text may repeat its last words first. The beginning of what it says is
 * held back until the repetition would show, and an exact one is removed, unless it may as well be meant: a
 * word too many does less harm than a row too few.
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
    this.before = before;
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

/** How many units at the start of `after` certainly repeat the end of `before`; 0 if fewer than twenty. */
function overlapLength(before: string, after: string): number {
  const length = longestOverlap(before, after, Math.min(before.length, after.length, heldLength));
  if (length === 0) {
    return 0;
  }
  const overlap = after.slice(0, length);
  // What was there before, or begins again within itself as equal rows do, may well come once more.
  const isThereEarlier = before.indexOf(overlap) < before.length - length;
  const isPeriodic = longestOverlap(overlap, overlap, length - 1) >= length / 2;
  return isThereEarlier || isPeriodic ? 0 : length;
}

/** The longest end of `before` that `after` begins with, at most `maxLength` long; 0 if shorter than twenty. */
function longestOverlap(before: string, after: string, maxLength: number): number {
  for (let length = maxLength; length >= minOverlap; length--) {
    if (before.endsWith(after.slice(0, length))) {
      return length;
    }
  }
  return 0;
}
