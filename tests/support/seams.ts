/** Judges what was seen of a reply, frame by frame: whatever a person could have noticed of a handover is a seam. */
import { isAllowed, phaseOf, type ReplyPhase } from "./replyPhases.ts";
import type { SeenReply } from "./replySampler.ts";

export interface SeamOptions {
  /** The reply was off the page for a while on purpose. */
  mayLeave?: boolean;
  /**
   * `plain`: `whole` is the model's text, white space apart. `markdown`: it is the text of the rendered reply, and only
   * letters count, for marks vanish when their meaning is known.
   */
  text?: "plain" | "markdown";
}

/**
 * How far a page that follows its end may go up: a fraction of a pixel from rounding; a line where a mark becomes what
 * it means, such as the line of a table's head.
 */
const toleratedScrollPx = { plain: 1, markdown: 40 };

type Shown = NonNullable<SeenReply["shown"]>;

/** What a person could have noticed, in sentences; none if the handover was without a seam. */
export function seams(seen: readonly SeenReply[], whole: string, options: SeamOptions = {}): string[] {
  return [
    ...textSeams(seen, whole, options),
    ...absences(seen, options),
    ...phaseSeams(seen),
    ...scrollSeams(seen, options),
  ];
}

/** Every text is a beginning of the whole one, none is shorter than the one before, and the last is all of it. */
function textSeams(seen: readonly SeenReply[], wholeText: string, { text = "plain" }: SeamOptions): string[] {
  const compared = text === "plain" ? withoutSpace : lettersOf;
  const whole = compared(wholeText);
  const found: string[] = [];
  let longest = 0;
  /** The page load in which text was last on the screen. */
  let loadWithText = 0;
  for (const { load, shown } of seen) {
    if (shown === null) continue;
    const visible = compared(shown.text);
    if (visible === "") {
      // A page that has just been loaded may show nothing of the reply until it has something.
      if (loadWithText !== load || longest === 0) continue;
      found.push(
        `the reply was empty after ${longest} characters${shown.hasSkeleton ? ", a skeleton in its place" : ""}`,
      );
      continue;
    }
    if (shown.hasSkeleton) found.push(`a skeleton stood beside ${visible.length} characters`);
    if (!whole.startsWith(visible)) {
      found.push(`not what the model sent, after ${longest} characters: …${visible.slice(-80)}`);
    }
    if (visible.length < longest) {
      found.push(`the text shrank from ${longest} to ${visible.length} characters`);
    }
    longest = visible.length;
    loadWithText = load;
  }
  if (longest !== whole.length) found.push(`the last text has ${longest} of ${whole.length} characters`);
  return found;
}

function absences(seen: readonly SeenReply[], { mayLeave = false }: SeamOptions): string[] {
  return mayLeave || seen.every(({ shown }) => shown !== null) ? [] : ["the reply vanished from the page"];
}

function phaseSeams(seen: readonly SeenReply[]): string[] {
  const found: string[] = [];
  let before: ReplyPhase | null = null;
  for (const { shown } of seen) {
    if (shown === null) continue;
    const phase = phaseOf(shown.status, shown.words);
    if (phase === null) {
      found.push(`a ${shown.status} reply with the words “${shown.words}”`);
      continue;
    }
    if (before !== null && !isAllowed(before, phase)) found.push(`“${phase}” came after “${before}”`);
    before = phase;
  }
  return found;
}

/** While a conversation is on the page and its reader does not move, it never scrolls upwards. */
function scrollSeams(seen: readonly SeenReply[], { text = "plain" }: SeamOptions): string[] {
  const found: string[] = [];
  let before = null as { load: number; shown: Shown } | null;
  for (const { load, shown } of seen) {
    if (shown !== null && before?.load === load) {
      const fellPx = before.shown.scrollTop - shown.scrollTop;
      if (fellPx > toleratedScrollPx[text]) {
        found.push(`the page jumped up by ${fellPx} pixels under ${shown.text.length} characters`);
      }
    }
    before = shown === null ? null : { load, shown };
  }
  return found;
}

/** How many different texts were seen before the whole one. */
export function intermediateTexts(seen: readonly SeenReply[], wholeText: string): number {
  const whole = withoutSpace(wholeText);
  const visible = seen.map(({ shown }) => withoutSpace(shown?.text ?? ""));
  return new Set(visible.filter((text) => text !== "" && text !== whole)).size;
}

/** The phases in the order in which they were seen, each change once; `without` one that may come between any two. */
export function seenPhases(
  seen: readonly SeenReply[],
  { without }: { without: ReplyPhase },
): (ReplyPhase | null)[] {
  const phases = seen
    .flatMap(({ shown }) => (shown === null ? [] : [phaseOf(shown.status, shown.words)]))
    .filter((phase) => phase !== without);
  return phases.filter((phase, index) => phase !== phases[index - 1]);
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, "");
}

function lettersOf(text: string): string {
  return text.replace(/\P{L}/gu, "");
}
