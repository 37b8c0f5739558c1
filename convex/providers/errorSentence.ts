/** Finds the sentence for a person in what providers answer and programs throw. */

/** A refusal is `{ message }`, the same one level down, or the sentence itself; null if it is neither. */
export function sentenceIn(body: unknown): string | null {
  const words = wordsIn(body);
  return words === null ? null : asSentence(words);
}

/** Providers answer with a single word, too, such as "Overloaded". */
export function asSentence(words: string): string {
  return words.includes(" ") ? words : `The model's server answered “${words}”.`;
}

function wordsIn(body: unknown): string | null {
  if (typeof body === "string") {
    return body === "" ? null : body;
  }
  if (typeof body !== "object" || body === null) {
    return null;
  }
  if ("message" in body && typeof body.message === "string" && body.message !== "") {
    return body.message;
  }
  return "error" in body ? wordsIn(body.error) : null;
}
