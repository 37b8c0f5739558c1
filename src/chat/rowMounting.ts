/**
 * When the rows of a long conversation are made: those near the view first, the others one by one while the page is
 * idle, newest first. So a chat opens as fast as a short one, and in the end all of it can be found and read.
 */

/** Rows so far beyond the edges of the view are made before they are seen, in the scroller's own heights. */
const NEAR_VIEW_MARGIN = "100%";

/** Where the page cannot say that it is idle: short enough to be done soon, long enough to leave the page its time. */
const WITHOUT_IDLE_MS = 50;

/** `isSeen`: the row is about to come into view, and cannot wait. */
type Make = (isSeen: boolean) => void;

class RowMounting {
  /** In the order of their asking, which is the order of the conversation. */
  private readonly waiting = new Map<Element, Make>();
  private readonly observers = new Map<Element, IntersectionObserver>();
  private isTicking = false;

  /**
   * Calls `make` once, when it is this row's turn; not any more after the returned function was called. The next one's
   * turn comes after that too, so that rows which take long to make do not pile up.
   */
  await(row: Element, make: Make): () => void {
    this.waiting.set(row, make);
    const root = row.closest(".scroller");
    const observer = root === null ? null : this.observerOf(root);
    observer?.observe(row);
    this.tickLater();
    return () => {
      this.waiting.delete(row);
      observer?.unobserve(row);
      if (root !== null && this.waiting.size === 0) this.forget(root);
      this.tickLater();
    };
  }

  private observerOf(root: Element): IntersectionObserver {
    const known = this.observers.get(root);
    if (known !== undefined) return known;
    const onSeen = (entries: IntersectionObserverEntry[]) => {
      for (const { isIntersecting, target } of entries) if (isIntersecting) this.make(target, true);
    };
    const observer = new IntersectionObserver(onSeen, { root, rootMargin: `${NEAR_VIEW_MARGIN} 0px` });
    this.observers.set(root, observer);
    return observer;
  }

  private forget(root: Element): void {
    this.observers.get(root)?.disconnect();
    this.observers.delete(root);
  }

  private make(row: Element, isSeen: boolean): void {
    const make = this.waiting.get(row);
    this.waiting.delete(row);
    make?.(isSeen);
  }

  private tickLater(): void {
    if (this.isTicking || this.waiting.size === 0) return;
    this.isTicking = true;
    const tick = () => {
      this.isTicking = false;
      const newest = [...this.waiting.keys()].at(-1);
      if (newest !== undefined) this.make(newest, false);
    };
    if (typeof requestIdleCallback === "function") requestIdleCallback(tick);
    else setTimeout(tick, WITHOUT_IDLE_MS);
  }
}

export const rowMounting = new RowMounting();
