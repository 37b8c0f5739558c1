/** What stands in each composer, kept in `localStorage` until the server has it, with the reason if sending failed. */
import { readStored, writeStored } from "../storedValue.ts";

/** The composer of the page that starts a new chat. */
export const NEW_CHAT_DRAFT = "new";

export interface Draft {
  text: string;
  /** Why the last attempt to send this text failed, in a sentence for the person. */
  problem: string | null;
}

const emptyDraft: Draft = { text: "", problem: null };

export class Drafts {
  private readonly drafts = new Map<string, Draft>();
  private readonly listeners = new Set<() => void>();
  private readonly unkept = new Set<string>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** A draft is longer than what the storage has of it. */
  get hasUnkept(): boolean {
    return this.unkept.size > 0;
  }

  get(draftKey: string): Draft {
    const known = this.drafts.get(draftKey);
    if (known !== undefined) return known;
    const text = readStored(storageKey(draftKey));
    const draft = text === null ? emptyDraft : { text, problem: null };
    this.drafts.set(draftKey, draft);
    return draft;
  }

  write(draftKey: string, text: string): void {
    this.set(draftKey, { text, problem: text === "" ? null : this.get(draftKey).problem });
  }

  /** Puts a text that was not sent back in front of whatever has been typed since. */
  giveBack(draftKey: string, text: string, problem: string | null): void {
    const typedSince = this.get(draftKey).text;
    this.set(draftKey, { text: typedSince === "" ? text : `${text}\n\n${typedSince}`, problem });
  }

  /** Takes what has been typed in one composer over to another. */
  move(fromKey: string, toKey: string): void {
    const { text } = this.get(fromKey);
    if (text === "") return;
    this.write(fromKey, "");
    this.write(toKey, text);
  }

  reportProblem(draftKey: string, problem: string): void {
    this.set(draftKey, { text: this.get(draftKey).text, problem });
  }

  dismissProblem(draftKey: string): void {
    this.set(draftKey, { text: this.get(draftKey).text, problem: null });
  }

  private set(draftKey: string, draft: Draft): void {
    this.drafts.set(draftKey, draft);
    const isKept = writeStored(storageKey(draftKey), draft.text === "" ? null : draft.text);
    if (isKept || draft.text === "") this.unkept.delete(draftKey);
    else this.unkept.add(draftKey);
    for (const listener of this.listeners) listener();
  }
}

function storageKey(draftKey: string): string {
  return `duet.draft.${draftKey}`;
}

export const drafts = new Drafts();
