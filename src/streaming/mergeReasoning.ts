/**
 * Brings what a driver heard of a model's thoughts and what the database holds of them into one. Offsets are UTF-16
 * units of the whole reasoning; a thought's `place` is its offset in the reply's text.
 */

export interface Thought {
  readonly place: number;
  readonly text: string;
}

/** What the stream has sent, without a gap, from offset `from` on: a second attempt begins after the first one's. */
export interface LiveReasoning {
  readonly from: number;
  readonly length: number;
  readonly thoughts: readonly Thought[];
}

/** One more stretch from the stream. What is known already adds nothing; behind a gap a new beginning is made. */
export function heardThought(
  live: LiveReasoning | null,
  offset: number,
  { place, text }: Thought,
): LiveReasoning {
  if (live === null || offset > live.from + live.length || offset < live.from) {
    return { from: offset, length: text.length, thoughts: [{ place, text }] };
  }
  const news = text.slice(live.from + live.length - offset);
  return news === ""
    ? live
    : {
        ...live,
        length: live.length + news.length,
        thoughts: withThought(live.thoughts, { place, text: news }),
      };
}

/** What was read of the persisted thoughts: what is final, and behind it what may have grown since. */
export interface ReadReasoning {
  /** The row from which on to read. */
  readonly fromPart: number;
  readonly final: readonly Thought[];
  readonly growing: readonly Thought[];
}

export const nothingRead: ReadReasoning = { fromPart: 0, final: [], growing: [] };

/** Reading goes on behind the rows that are full: an answer holds the thoughts from `read.fromPart` on. */
export function readOn(
  read: ReadReasoning,
  answer: {
    thoughts: readonly (Thought & { readonly from: number })[];
    next: { part: number; from: number };
  },
): ReadReasoning {
  if (answer.next.part <= read.fromPart) return { ...read, growing: answer.thoughts };
  let final = read.final;
  let growing: readonly Thought[] = [];
  for (const { place, from, text } of answer.thoughts) {
    const length = Math.max(0, answer.next.from - from);
    if (length > 0) final = withThought(final, { place, text: text.slice(0, length) });
    if (length < text.length) growing = withThought(growing, { place, text: text.slice(length) });
  }
  return { fromPart: answer.next.part, final, growing };
}

export function allRead({ final, growing }: ReadReasoning): readonly Thought[] {
  return growing.reduce(withThought, final);
}

/** What belongs on the screen. Where the two differ, as after a take-over, the database is right. */
export function mergeReasoning(
  persisted: readonly Thought[],
  live: LiveReasoning | null,
): readonly Thought[] {
  const known = textOf(persisted);
  if (live === null || live.from > known.length) return persisted;
  const overlap = known.slice(live.from);
  if (!textOf(live.thoughts).startsWith(overlap)) return persisted;
  let skipped = overlap.length;
  let merged = persisted;
  for (const { place, text } of live.thoughts) {
    const news = text.slice(skipped);
    skipped = Math.max(0, skipped - text.length);
    if (news !== "") merged = withThought(merged, { place, text: news });
  }
  return merged;
}

function withThought(thoughts: readonly Thought[], { place, text }: Thought): readonly Thought[] {
  const last = thoughts.at(-1);
  return last?.place === place
    ? [...thoughts.slice(0, -1), { place, text: last.text + text }]
    : [...thoughts, { place, text }];
}

function textOf(thoughts: readonly Thought[]): string {
  return thoughts.map(({ text }) => text).join("");
}
