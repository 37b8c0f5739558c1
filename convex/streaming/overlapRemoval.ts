/**
 * A model that continues a broken-off text may repeat some of it first. The beginning of what it says is held
 * back until a repetition would show, and an exact one is removed, unless it may as well be meant: a word too
 * many does less harm than a row too few. Removed are
 *
 *   the last words   20 to 200 units that end the text and begin the continuation;
 *   the whole text   when the model starts over and repeats all of it before it goes on.
 *
 * Everything else stays, because nobody can tell it from what is meant: a preamble, a repetition in other
 * words or other white space, a start from the top that then takes another way.
 */

/** UTF-16 units of the continuation that are held back; also the longest repetition of last words. */
const heldLength = 200;

/** Shorter repetitions occur by chance. */
const minOverlap = 20;

export class OverlapRemoval {
  private readonly before: string;
  /** Null once it is decided what is removed. */
  private held: string | null;
  /** The continuation repeats the text from its top, so far. */
  private isRestart = false;

  /** `before` is the persisted text; when it is empty nothing is held back. */
  constructor(before: string) {
    this.before = before;
    this.held = before === "" ? null : "";
  }

  push(text: string): string {
    if (this.held === null) {
      return text;
    }
    const compared = this.held.length;
    this.held += text;
    if (this.isRestart) {
      return this.followRestart(compared);
    }
    if (this.held.length < heldLength) {
      return "";
    }
    this.isRestart = beginsAnew(this.before, this.held);
    return this.isRestart ? this.followRestart(0) : this.end();
  }

  /** What is still held back, when no more will come. */
  end(): string {
    const held = this.held ?? "";
    this.held = null;
    // A poem may end with its first stanza: a start from the top is none before it has come to the end.
    return this.isRestart ? held : held.slice(overlapLength(this.before, held));
  }

  /** Waits until the repetition has come to the end of the text, or has left it. */
  private followRestart(compared: number): string {
    const held = this.held ?? "";
    const length = Math.min(held.length, this.before.length);
    if (!this.before.startsWith(held.slice(compared, length), compared)) {
      return this.end();
    }
    if (length < this.before.length) {
      return "";
    }
    this.held = null;
    return held.slice(length);
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

/** Whether `after` certainly begins the whole of `before` once more, as far as it goes. */
function beginsAnew(before: string, after: string): boolean {
  const length = Math.min(before.length, after.length);
  // A beginning that stands in the text twice, as in equal rows or verses, may be meant a third time.
  const isThereAgain = before.includes(before.slice(0, heldLength / 2), 1);
  return before.length > heldLength && before.startsWith(after.slice(0, length)) && !isThereAgain;
}
