/** Markdown as it is read aloud: its words without its marks. */

/** Each with what is left of it; in this order, so that marks within a link's words are met after the link. */
const rules: readonly [RegExp, string][] = [
  // Fences, rules, and the line between a table's head and its body say nothing.
  [/^[ \t]*(?:`{3,}|~{3,}).*$/gm, ""],
  [/^[ \t]*(?:[-*_][ \t]*){3,}$/gm, ""],
  [/^[ \t]*\|?[ \t]*:?-[-:| \t]*$/gm, ""],
  // Headings, quotations, list items, tasks.
  [/^[ \t]*(?:#{1,6}[ \t]+|(?:>[ \t]?)+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)/gm, ""],
  [/!?\[([^\]\n]*)\]\([^)\n]*\)/g, "$1"],
  [/`+|~~/g, ""],
  // Marks of stress stand at a word's edge; stars and lines between spaces or letters are the text's own.
  [/(?<![\p{L}\p{N}\\])(?:\*{1,3}|_{1,3})(?=\S)/gu, ""],
  [/(?<=\S)(?:\*{1,3}|_{1,3})(?![\p{L}\p{N}])/gu, ""],
  [/[ \t]*\|[ \t]*/g, " "],
  [/\n{2,}/g, "\n"],
];

export function spokenText(markdown: string): string {
  return rules.reduce((text, [mark, left]) => text.replace(mark, left), markdown).trim();
}
