/**
 * Records, at every frame, each reply in a page as a person sees it: its text, the words under it, a skeleton in its
 * place, how far the conversation is scrolled. `seams.ts` judges what was seen.
 */
import type { BrowserContext, Page } from "@playwright/test";
import type { RunStatus } from "../../convex/shared/streamEvents.ts";

/** A reply from this frame on, until the next one that differs. */
export interface SeenReply {
  /** Counts the pages loaded in this tab. */
  load: number;
  /** Null: it was on the page before and is not now. */
  shown: {
    text: string;
    status: RunStatus;
    words: string;
    hasSkeleton: boolean;
    scrollTop: number;
  } | null;
}

/** As it is kept: of each text only what differs from the one before, so that a long reply stays small. */
interface KeptFrame {
  load: number;
  shown:
    | (Omit<NonNullable<SeenReply["shown"]>, "text"> & {
        /** Characters that are those of the text before; `added` follows them. */
        kept: number;
        added: string;
      })
    | null;
}

interface KeptReply {
  frames: KeptFrame[];
  lastText: string;
}

declare global {
  interface Window {
    seenReplies: { loads: number; replies: Record<string, KeptReply> };
  }
}

/** For every page of the context. What a page has seen outlives its reload. */
export async function sampleReplies(context: BrowserContext): Promise<void> {
  await context.addInitScript(recordReplies);
}

/** Runs in the page, so it stands alone. */
function recordReplies(): void {
  if (!location.protocol.startsWith("http")) return;
  const storageKey = "seenReplies";
  /** A reply has no stream id until the server has its message. */
  const unnamed = "";
  const none = { loads: 0, replies: {} };
  const seen = (JSON.parse(sessionStorage.getItem(storageKey) ?? "null") ?? none) as Window["seenReplies"];
  seen.loads += 1;
  window.seenReplies = seen;
  addEventListener("pagehide", () => sessionStorage.setItem(storageKey, JSON.stringify(seen)));
  const shown = new Set<string>();

  function keptReply(streamId: string): KeptReply {
    const known = seen.replies[streamId];
    if (known !== undefined) return known;
    const fresh = (streamId === unnamed ? undefined : seen.replies[unnamed]) ?? { frames: [], lastText: "" };
    delete seen.replies[unnamed];
    return (seen.replies[streamId] = fresh);
  }
  function commonLength(one: string, other: string): number {
    if (other.startsWith(one)) return one.length;
    let length = 0;
    while (length < one.length && one[length] === other[length]) length += 1;
    return length;
  }
  function record(
    streamId: string,
    text: string,
    rest: Omit<NonNullable<SeenReply["shown"]>, "text"> | null,
  ) {
    const reply = keptReply(streamId);
    const last = reply.frames.at(-1);
    const isSameText = reply.lastText === text;
    const { kept: _kept, added: _added, ...lastRest } = last?.shown ?? { kept: 0, added: "" };
    const isSame = rest === null ? last?.shown === null : last?.shown && isSameText;
    if (last?.load === seen.loads && isSame && JSON.stringify(rest ?? {}) === JSON.stringify(lastRest))
      return;
    const kept = commonLength(reply.lastText, text);
    reply.frames.push({
      load: seen.loads,
      shown: rest === null ? null : { ...rest, kept, added: text.slice(kept) },
    });
    if (rest !== null) reply.lastText = text;
  }
  function look(): void {
    const present = new Set<string>();
    const scroller = document.querySelector("[data-testid=conversation]");
    for (const reply of document.querySelectorAll<HTMLElement>(
      "[data-testid=message][data-role=assistant]",
    )) {
      const streamId = reply.dataset["streamId"] ?? unnamed;
      const textPlace = reply.querySelector("[data-testid=message-text]");
      // While it suspends, React leaves it in the page, hidden.
      const text = textPlace?.checkVisibility() === true ? textPlace.textContent : "";
      present.add(streamId);
      shown.add(streamId);
      record(streamId, text, {
        status: (reply.dataset["status"] ?? "") as RunStatus,
        words: reply.querySelector("[data-testid=reply-state]")?.textContent.trim() ?? "",
        hasSkeleton: reply.querySelector(".skeleton") !== null,
        scrollTop: Math.round(scroller?.scrollTop ?? 0),
      });
    }
    for (const streamId of shown) {
      if (streamId !== unnamed && !present.has(streamId)) record(streamId, "", null);
    }
  }
  // At the beginning of a frame stands what tasks have left; after it, what its own callbacks have made of that.
  const afterFrame = new MessageChannel();
  afterFrame.port1.addEventListener("message", look);
  afterFrame.port1.start();
  function frame(): void {
    look();
    afterFrame.port2.postMessage(null);
    requestAnimationFrame(frame);
  }
  requestAnimationFrame(frame);
}

/** Up to the frame that is on the screen. */
export async function seenReply(page: Page, streamId: string): Promise<SeenReply[]> {
  const frames = await page.evaluate(async (id) => {
    // The sampler's turn in this frame may be still to come; in the one after the next it has been.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return window.seenReplies.replies[id]?.frames ?? [];
  }, streamId);
  let text = "";
  return frames.map(({ load, shown }) => {
    if (shown === null) return { load, shown };
    const { kept, added, ...rest } = shown;
    text = text.slice(0, kept) + added;
    return { load, shown: { ...rest, text } };
  });
}
