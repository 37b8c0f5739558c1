/** Text in pieces of the size in which models send it. */

const tokenPattern =
  /\n+|[ \t]*(?:[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|[\p{L}\p{M}\p{N}_]{1,8}|[^\s])|[^\S\n]+/gu;

/** Joined, the tokens are the text; no token ends inside a surrogate pair. */
export function tokenise(text: string): string[] {
  return text.match(tokenPattern) ?? [];
}
