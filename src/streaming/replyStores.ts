/** The replies this tab knows, one store for each stream; they outlive every component. */
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { emptyReplyText, type ReplyText } from "./mergeReplyText.ts";
import { keepReplyTexts, takeKeptReplyTexts } from "./keptReplyTexts.ts";
import type { ReplyHead } from "./replySnapshot.ts";
import { ReplyStore } from "./replyStore.ts";

/** Enough for going back and forth between chats without a read; older ones nobody looks at are let go. */
const MAX_STORES = 300;
/** A render subscribes to the stores it asked for, or is dropped, long before this has passed. */
const EVICT_AFTER_MS = 10_000;

export class ReplyStores {
  private readonly stores = new Map<string, ReplyStore>();
  private readonly seeds: Map<string, ReplyText>;
  private evictTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(seeds: Map<string, ReplyText> = new Map()) {
    this.seeds = seeds;
  }

  /**
   * The store of a stream, made when it is first asked for; `head` is what is known of the reply at that moment.
   * Components call this while they render, so it touches no other store.
   */
  get(streamId: string, head: ReplyHead | null = null): ReplyStore {
    const known = this.stores.get(streamId);
    if (known !== undefined) return known;
    const store = new ReplyStore({ seed: this.seeds.get(streamId), head });
    this.seeds.delete(streamId);
    this.stores.set(streamId, store);
    if (this.stores.size > MAX_STORES) this.evictLater();
    return store;
  }

  /**
   * Says that a reply begins with the text of another, which has ended: what this tab knows of that is shown from the
   * first moment. Nothing happens where it knows nothing, or the new reply's store is there already.
   */
  beginWith(streamId: string, earlierStreamId: string): void {
    if (this.stores.has(streamId) || this.seeds.has(streamId)) return;
    const earlier = this.stores.get(earlierStreamId)?.getSnapshot();
    if (earlier === undefined || !hasEnded(earlier.status)) return;
    const { text } = earlier;
    this.seeds.set(streamId, { ...emptyReplyText, text, persistedLength: text.length });
  }

  /** What is known of a reply's text, for showing it elsewhere. */
  textOf(streamId: string): string {
    return this.stores.get(streamId)?.getSnapshot().text ?? "";
  }

  wake(toleratedSilenceMs: number): void {
    for (const store of this.stores.values()) store.wake(toleratedSilenceMs);
  }

  unsettledTexts(): Map<string, ReplyText> {
    const texts = new Map<string, ReplyText>();
    for (const [streamId, store] of this.stores) {
      const text = store.unsettledText;
      if (text !== null) texts.set(streamId, text);
    }
    return texts;
  }

  /** Counted from the last store that was made, so that none is let go between its render and its subscription. */
  private evictLater(): void {
    clearTimeout(this.evictTimer);
    this.evictTimer = setTimeout(() => this.evict(), EVICT_AFTER_MS);
  }

  private evict(): void {
    for (const [streamId, store] of this.stores) {
      if (this.stores.size <= MAX_STORES) return;
      if (store.isWatched || store.isDriving) continue;
      store.close();
      this.stores.delete(streamId);
    }
  }
}

export const replyStores = new ReplyStores(takeKeptReplyTexts());

/** Keeps unfinished texts for the page that follows, for as long as the returned function is not called. */
export function keepTextsAcrossReloads(stores: ReplyStores = replyStores): () => void {
  const keep = () => keepReplyTexts(stores.unsettledTexts());
  const keepWhenHidden = () => {
    // A phone may end a page that is out of sight without another word.
    if (document.visibilityState === "hidden") keep();
  };
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", keepWhenHidden);
  return () => {
    window.removeEventListener("pagehide", keep);
    document.removeEventListener("visibilitychange", keepWhenHidden);
  };
}
