/**
 * What stands in each composer, kept until the server has it, with the reason if sending failed. Each tab keeps its own
 * over a reload; for the tabs that come after it, the text that was written last is kept beside it. The editor of a
 * message is open in one tab only, and so is its draft.
 */
import { readStored, writeStored } from "../storedValue.ts";
import { mintToken } from "./clientTokens.ts";
import {
  draftsGivenBack,
  forgetGivenBack,
  givenBackId,
  readGivenBack,
  rememberGivenBack,
  type GivenBack,
} from "./givenBack.ts";
import { keepHeldBack, readHeldBack, type HeldBack } from "./heldBack.ts";

/** The composer of the page that starts a new chat. */
export const NEW_CHAT_DRAFT = "new";

const EDITOR_PREFIX = "edit.";

/** The editor of a message that is being changed. */
export function editDraftKey(messageId: string): string {
  return `${EDITOR_PREFIX}${messageId}`;
}

export interface Draft {
  text: string;
  /** Why the last attempt to send this text failed, in a sentence for the person. */
  problem: string | null;
  /** The text is to be sent at the end of a reply; any change of it takes that back. */
  heldBack?: HeldBack;
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
    const text = readKept(draftKey);
    // Only with the tab's own text: nobody has asked to send what another tab wrote.
    const isOfTab = readStored(storageKey(draftKey), "tab") !== null;
    const heldBack = isOfTab ? readHeldBack(draftKey) : null;
    const draft = text === null ? emptyDraft : { text, problem: null, ...(heldBack && { heldBack }) };
    this.drafts.set(draftKey, draft);
    return draft;
  }

  write(draftKey: string, text: string): void {
    this.set(draftKey, { text, problem: text === "" ? null : this.get(draftKey).problem });
  }

  /** Puts a text back in front of whatever has been typed since. */
  giveBack(draftKey: string, text: string, problem: string | null): void {
    const typedSince = this.get(draftKey).text;
    this.set(draftKey, { text: typedSince === "" ? text : text + BETWEEN_TEXTS + typedSince, problem });
  }

  /** As `giveBack`, for a request that may have reached the server, or still do. */
  giveBackRequest(draftKey: string, request: GivenBack, problem: string | null): void {
    this.giveBack(draftKey, request.text, problem);
    rememberGivenBack(draftKey, request);
  }

  /** Takes texts out of their composers that were given back and turn out to be the server's. */
  dropReceived(clientRequestIds: ReadonlySet<string>): void {
    for (const draftKey of draftsGivenBack()) {
      const before = readGivenBack(draftKey);
      if (before === null || !clientRequestIds.has(before.clientRequestId)) continue;
      forgetGivenBack(draftKey);
      const { text } = this.get(draftKey);
      const front = before.text + BETWEEN_TEXTS;
      if (text === before.text) this.write(draftKey, "");
      else if (text.startsWith(front)) this.set(draftKey, { text: text.slice(front.length), problem: null });
    }
  }

  /** Takes what has been typed in one composer over to another. */
  move(fromKey: string, toKey: string): void {
    const moved = this.get(fromKey);
    if (moved.text === "") return;
    this.write(fromKey, "");
    this.set(toKey, moved);
  }

  /** The text stands where it is, and is kept there, until the reply with this key has ended. */
  holdBack(draftKey: string, replyKey: string): void {
    const { text } = this.get(draftKey);
    // As it is sent: the server may have the same text already.
    const clientRequestId = givenBackId(draftKey, text.trim().toWellFormed()) ?? mintToken();
    const heldBack = { replyKey, clientRequestId, heldAtMs: Date.now() };
    this.set(draftKey, { text, problem: null, heldBack });
  }

  reportProblem(draftKey: string, problem: string): void {
    this.set(draftKey, { text: this.get(draftKey).text, problem });
  }

  /** Also takes back that the text is to be sent. */
  dismissProblem(draftKey: string): void {
    this.set(draftKey, { text: this.get(draftKey).text, problem: null });
  }

  private set(draftKey: string, draft: Draft): void {
    const before = this.get(draftKey).text;
    this.drafts.set(draftKey, draft);
    // Only with its own text: another tab may have emptied a composer of its own for the same chat.
    const givenBack = draft.text === "" ? readGivenBack(draftKey) : null;
    if (givenBack !== null && before.startsWith(givenBack.text)) forgetGivenBack(draftKey);
    const isKept = keep(draftKey, draft.text, before);
    keepHeldBack(draftKey, (isKept && draft.heldBack) || null);
    if (isKept || draft.text === "") this.unkept.delete(draftKey);
    else this.unkept.add(draftKey);
    for (const listener of this.listeners) listener();
  }
}

/** Between a text that comes back and what has been typed since. */
const BETWEEN_TEXTS = "\n\n";

function readKept(draftKey: string): string | null {
  const ofTab = readStored(storageKey(draftKey), "tab");
  return ofTab ?? (isEditor(draftKey) ? null : readStored(storageKey(draftKey)));
}

/** False: the text, which was `before`, lives no longer than it must. */
function keep(draftKey: string, text: string, before: string): boolean {
  const key = storageKey(draftKey);
  const value = text === "" ? null : text;
  const isKeptForTab = writeStored(key, value, "tab");
  // Where there is no room for the new text, the old one must not come back in its place.
  if (!isKeptForTab) writeStored(key, null, "tab");
  if (isEditor(draftKey)) return isKeptForTab;
  // What another tab wrote is not this one's to remove.
  return value === null && readStored(key) !== before ? true : writeStored(key, value);
}

function isEditor(draftKey: string): boolean {
  return draftKey.startsWith(EDITOR_PREFIX);
}

function storageKey(draftKey: string): string {
  return `duet.draft.${draftKey}`;
}

export const drafts = new Drafts();
