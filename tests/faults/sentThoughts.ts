/**
 * What the reasoning of a reply may be, worked out from what the model was asked and thought: of each attempt a
 * beginning, one after the other, each at the place in the text from which its attempt went on.
 */
import type { ModelRequestEvidence, Thought } from "./evidence.ts";
import { persistedBefore } from "./sentTexts.ts";

/** Whether they are what was thought, wherever they stand in the text. */
export function isTextOfThoughts(
  thoughts: readonly Thought[],
  requests: readonly ModelRequestEvidence[],
): boolean {
  const anywhere = thoughts.map(({ text }) => ({ place: null, text }));
  return isMadeOf(anywhere, requests, () => 0);
}

/** `leastOf` says how many units of a request's thoughts must be there. */
export function isWhatWasThought(
  thoughts: readonly Thought[],
  requests: readonly ModelRequestEvidence[],
  leastOf: (request: ModelRequestEvidence) => number,
): boolean {
  return isMadeOf(joinedThoughts(thoughts), requests, leastOf);
}

/** `place` null: anywhere. */
interface PlacedThought {
  place: number | null;
  text: string;
}

function isMadeOf(
  joined: readonly PlacedThought[],
  requests: readonly ModelRequestEvidence[],
  leastOf: (request: ModelRequestEvidence) => number,
): boolean {
  const text = joined.map((thought) => thought.text).join("");
  const failed = new Set<string>();

  /** Whether the requests from `index` on account for the text from `offset` on. */
  const isMadeBy = (index: number, offset: number): boolean => {
    const request = requests[index];
    if (request === undefined) return offset === text.length;
    if (failed.has(`${index} ${offset}`)) return false;
    const end = endOfPlace(joined, offset, persistedBefore(request).length);
    const most = commonLength(text.slice(offset, end), request.sentReasoning);
    const least = leastOf(request);
    // What is left must be the last one's.
    const isLast = index === requests.length - 1;
    for (let length = most; length >= (isLast ? most : least) && length >= least; length--) {
      if (isMadeBy(index + 1, offset + length)) return true;
    }
    failed.add(`${index} ${offset}`);
    return false;
  };
  return isMadeBy(0, 0);
}

/** Neighbours differ in their place, and none is empty. */
function joinedThoughts(thoughts: readonly Thought[]): Thought[] {
  const joined: Thought[] = [];
  for (const { place, text } of thoughts) {
    const last = joined.at(-1);
    if (last?.place === place) last.text += text;
    else if (text !== "") joined.push({ place, text });
  }
  return joined;
}

export function describeThoughts(thoughts: readonly Thought[]): string {
  return `[${thoughts.map(({ place, text }) => `${text.length} units at ${place}: “${text.slice(-40)}”`).join("; ")}]`;
}

/** Where the stretch ends that begins at `offset` and stands at `place`; `offset` itself where another place is. */
function endOfPlace(thoughts: readonly PlacedThought[], offset: number, place: number): number {
  let from = 0;
  for (const thought of thoughts) {
    const end = from + thought.text.length;
    if (thought.place !== null && offset < end) return thought.place === place ? end : offset;
    from = end;
  }
  return thoughts[0]?.place === null ? from : offset;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one[length] === other[length]) length += 1;
  return length;
}
