/**
 * The text of a response that is replayed from its beginning: what of it is persisted is dropped, exactly. The replay
 * goes the way that the text once went, so it is compared with what became of it.
 */
import { OverlapRemoval } from "./overlapRemoval.ts";

export class ResumedText {
  private readonly overlap: OverlapRemoval;
  private readonly persisted: string;
  private compared = 0;
  private isOther = false;

  /** `before` was persisted when the response began, `persisted` comes from the response. */
  constructor(before: string, persisted: string) {
    this.overlap = new OverlapRemoval(before);
    this.persisted = persisted;
  }

  /** What the replay says is not what is persisted, so it cannot go on from there. */
  get differs(): boolean {
    return this.isOther;
  }

  /** Units of the persisted text that have not come again. */
  get behind(): number {
    return this.persisted.length - this.compared;
  }

  /** What is new; nothing of a replay that differs. */
  push(text: string): string {
    return this.unseen(this.overlap.push(text));
  }

  /** What is still held back, when no more will come. */
  end(): string {
    return this.unseen(this.overlap.end());
  }

  private unseen(text: string): string {
    const known = this.persisted.slice(this.compared, this.compared + text.length);
    this.isOther ||= !text.startsWith(known);
    if (this.isOther) {
      return "";
    }
    this.compared += known.length;
    return text.slice(known.length);
  }
}
