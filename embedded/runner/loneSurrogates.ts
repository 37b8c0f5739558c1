/** Convex values hold Unicode text; half a surrogate pair is none. SQLite, UTF-8 and other clients could not keep it. */

// JSON.stringify writes a lone surrogate, and nothing else, as an escape of this form.
const loneSurrogateEscape = /(?<!\\)(?:\\\\)*\\ud[89a-f][0-9a-f]{2}/;

/** @throws when JSON made by `JSON.stringify` holds a string with half a surrogate pair. */
export function refuseLoneSurrogates(json: string): void {
  if (!json.includes("\\ud") || !loneSurrogateEscape.test(json)) return;
  throw new Error(
    "A string contains half of a surrogate pair, which is not valid Unicode. " +
      "Cut strings between characters, or clean them with `text.toWellFormed()`.",
  );
}
