/** What a message is about, in a few of its own words. */

const leadingWords = new Set(
  "please hi hello hey so ok okay well now and but then can could would will you we do does did tell me us explain describe write make give show create draw say talk discuss compare comparing list a an some any what what's which who is are was were about of on for to with in short long brief detailed small simple nice good little poem haiku song story essay table code function program script ideas facts reasons tips things something know think want like need help explanation let let's just really more".split(
    " ",
  ),
);

/** With these a sentence is more than a noun phrase. */
const clauseWords =
  /\b(?:how|why|when|where|who|if|whether|because|that|i|i'm|i’m|me|my|you|your|we|they|he|she|it|is|are|was|were|do|does|did|can|should|would)\b/i;

const longestTopicWords = 6;

/** A noun phrase to put into a sentence; `this` when the message does not offer one. */
export function topicOf(message: string): string {
  const sentence = message.split(/(?<=[.!?])\s|\n/).find((part) => /\p{L}/u.test(part)) ?? message;
  const words = sentence.match(/[\p{L}\p{N}][\p{L}\p{N}'’+#.-]*/gu) ?? [];
  const first = words.findIndex((word) => !leadingWords.has(word.toLowerCase()) && !/^\d+$/.test(word));
  const topic = words
    .slice(Math.max(first, 0))
    .join(" ")
    .replace(/[.'’-]+$/, "");
  if (first === -1 || words.length - first > longestTopicWords || clauseWords.test(topic)) {
    return "this";
  }
  return topic;
}

export function capitalised(text: string): string {
  return text.replace(/^\p{L}/u, (letter) => letter.toUpperCase());
}

/** At most `longest` characters of `text` on one line, cut at a word. */
export function shortened(text: string, longest: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line.length <= longest) {
    return line;
  }
  return `${line.slice(0, longest).replace(/\s+\S*$/, "")}…`;
}
