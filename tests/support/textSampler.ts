/** Records, at every frame, the text of each reply in a page, and says whether what was seen had a seam. */
import type { BrowserContext, Page } from "@playwright/test";

/** What was seen of one reply, each change once; null: it was on the page before and is not now. */
export type SeenTexts = (string | null)[];

declare global {
  interface Window {
    seenTexts: Record<string, SeenTexts>;
  }
}

/** For every page of the context. What a page has seen outlives its reload. */
export async function sampleTexts(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    if (!location.protocol.startsWith("http")) {
      return;
    }
    const storageKey = "seenTexts";
    const seen = JSON.parse(sessionStorage.getItem(storageKey) ?? "{}") as Record<string, SeenTexts>;
    window.seenTexts = seen;
    addEventListener("pagehide", () => sessionStorage.setItem(storageKey, JSON.stringify(seen)));
    const shown = new Set<string>();
    function record(streamId: string, text: string | null): void {
      const texts = (seen[streamId] ??= []);
      if (texts.at(-1) !== text) {
        texts.push(text);
      }
    }
    function sample(): void {
      const present = new Set<string>();
      for (const reply of document.querySelectorAll<HTMLElement>(
        "[data-testid=message][data-role=assistant]",
      )) {
        const text = reply.querySelector("[data-testid=message-text]")?.textContent;
        const streamId = reply.dataset["streamId"];
        if (streamId && text) {
          present.add(streamId);
          shown.add(streamId);
          record(streamId, text);
        }
      }
      for (const streamId of shown) {
        if (!present.has(streamId)) {
          record(streamId, null);
        }
      }
      requestAnimationFrame(sample);
    }
    requestAnimationFrame(sample);
  });
}

/** Up to the frame that is on the screen. */
export function seenTexts(page: Page, streamId: string): Promise<SeenTexts> {
  return page.evaluate(async (id) => {
    // The sampler's turn in this frame may be still to come; in the one after the next it has been.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return window.seenTexts[id] ?? [];
  }, streamId);
}

/**
 * What a person could have noticed, in sentences. None means: every text seen is a prefix of `wholeText`, none is
 * shorter than the one before, and the last is all of it; white space apart. `mayLeave`: the reply was off the page
 * for a while on purpose.
 */
export function seams(seen: SeenTexts, wholeText: string, options: { mayLeave?: boolean } = {}): string[] {
  const whole = withoutSpace(wholeText);
  const found: string[] = [];
  let longest = 0;
  for (const text of seen) {
    const visible = withoutSpace(text ?? "");
    if (text === null) {
      if (options.mayLeave !== true) {
        found.push(`the reply vanished from the page after ${longest} characters`);
      }
      continue;
    }
    if (!whole.startsWith(visible)) {
      found.push(`not what the model sent, after ${longest} characters: …${visible.slice(-80)}`);
    }
    if (visible.length < longest) {
      found.push(`the text shrank from ${longest} to ${visible.length} characters`);
    }
    longest = visible.length;
  }
  if (longest !== whole.length) {
    found.push(`the last text has ${longest} of ${whole.length} characters`);
  }
  return found;
}

/** How many different texts were seen before the whole one. */
export function intermediateTexts(seen: SeenTexts, wholeText: string): number {
  const whole = withoutSpace(wholeText);
  const visible = seen.map((text) => withoutSpace(text ?? ""));
  return new Set(visible.filter((text) => text !== "" && text !== whole)).size;
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}
