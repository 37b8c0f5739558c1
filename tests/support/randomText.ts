/** Random but repeatable texts, and their delivery in random pieces. */

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const words = [
  "lease",
  "a.b.c",
  "日本語",
  "。",
  "😀",
  "👩‍👩‍👧",
  "\n",
  "\n\n",
  "e.g.",
  "end.",
  "Why?",
  "`x`",
  "  ",
  "…",
  "3.14",
  "\u0301",
];

export function randomText(random: () => number, wordCount: number): string {
  let text = "";
  for (let index = 0; index < wordCount; index++) {
    text += words[Math.floor(random() * words.length)] ?? "";
    text += random() < 0.7 ? " " : "";
  }
  return text;
}

/** Cuts anywhere, in the middle of surrogate pairs too. */
export function randomPieces(random: () => number, text: string, maxLength: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = start + 1 + Math.floor(random() * maxLength);
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}
