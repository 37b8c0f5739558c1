/**
 * Decides the whole text of a reply before its first token. The text depends on the conversation alone, so that a
 * request to continue a broken-off reply gets exactly the rest of it.
 */
import { answer } from "./answers/answer.ts";
import { furtherParagraphs } from "./answers/essay.ts";
import { seededChoice } from "./answers/seededChoice.ts";
import { topicOf } from "./answers/topic.ts";
import type { ModelRequest, Turn } from "./conversation.ts";
import { parseDirectives, withoutDirectives, type Directives } from "./directives.ts";
import { tokenise } from "./tokenise.ts";

export interface ReplyPlan {
  directives: Directives;
  /** The whole reply, with what an earlier attempt has said already. */
  wholeText: string;
  /** What this attempt thinks before it speaks. */
  thoughts: string[];
  /** What this attempt sends. */
  tokens: string[];
  /** Of the whole reply: those that come before what this attempt sends. */
  tokensBefore: number;
  finish: Directives["finish"];
  isContinuation: boolean;
  /** The same for every attempt at the same reply. */
  replyKey: string;
}

/** @throws RefusedRequest for a directive that means nothing. */
export function planReply(request: ModelRequest): ReplyPlan {
  const { turns, alreadySaid } = splitContinuation(request.turns);
  const ask = turns.findLast((turn) => turn.role === "user")?.text ?? "";
  const directives = parseDirectives(ask);
  const conversation = turns.map(({ role, text }) => ({
    role,
    text: role === "user" ? withoutDirectives(text) : text,
  }));
  const wholeText = composeText(conversation, directives);
  const rest =
    alreadySaid === null ? wholeText : restOf(wholeText, alreadySaid, directives.overlap, conversation);
  const tokens = directives.halves ? cutInPairs(tokenise(rest)) : tokenise(rest);
  const tooLong = request.maxTokens !== null && tokens.length > request.maxTokens;
  return {
    directives,
    wholeText: alreadySaid === null || wholeText.startsWith(alreadySaid) ? wholeText : alreadySaid + rest,
    thoughts: composeThoughts(conversation, directives.think),
    tokens: tooLong ? tokens.slice(0, request.maxTokens ?? 0) : tokens,
    tokensBefore: Math.max(0, tokenise(wholeText).length - tokens.length),
    finish: tooLong ? "length" : directives.finish,
    isContinuation: alreadySaid !== null,
    replyKey: JSON.stringify([request.wire, request.model, turns]),
  };
}

/**
 * As many tokens as there were, each with a surrogate pair ending in the middle of it; what is behind begins the next
 * token. Only the last one is left whole: the text ends with a character.
 */
function cutInPairs(tokens: readonly string[]): string[] {
  let carried = "";
  return tokens.map((token, index) => {
    const text = carried + token;
    const pair = index === tokens.length - 1 ? -1 : text.search(/[\ud800-\udbff][\udc00-\udfff]/);
    const end = pair === -1 ? text.length : pair + 1;
    carried = text.slice(end);
    return text.slice(0, end);
  });
}

const continueRequest =
  /^\W*(?:please\s+)?(?:continue|go on|carry on|keep going|keep writing)\b[^?]{0,40}$|\b(?:continue|go on|resume|carry on)\b[^]*\b(?:exact\w*|cut off|broke\w* off|interrupted|left off|stopped|ended)\b|\b(?:exact\w*|cut off|broke\w* off|interrupted|left off)\b[^]*\b(?:continue|go on|resume|carry on)\b/i;

/** Peels `assistant: partial text, user: "continue"` pairs off the end, and a partial answer that ends the list. */
function splitContinuation(all: readonly Turn[]): { turns: Turn[]; alreadySaid: string | null } {
  const turns = [...all];
  let alreadySaid: string | null = null;
  for (;;) {
    const asksToContinue = turns.at(-1)?.role === "user" && continueRequest.test(turns.at(-1)?.text ?? "");
    const partial = turns.at(asksToContinue ? -2 : -1);
    if (partial?.role !== "assistant" || turns.length < 2) {
      return { turns, alreadySaid };
    }
    turns.length -= asksToContinue ? 2 : 1;
    alreadySaid = partial.text + (alreadySaid ?? "");
  }
}

function restOf(wholeText: string, alreadySaid: string, overlap: number, conversation: Turn[]): string {
  if (wholeText.startsWith(alreadySaid) && wholeText.length > alreadySaid.length) {
    return wholeText.slice(Math.max(0, alreadySaid.length - overlap));
  }
  const topic = topicOf(conversation.findLast((turn) => turn.role === "user")?.text ?? "");
  const more = furtherParagraphs(topic, seededChoice(alreadySaid), alreadySaid);
  return `\n\n${more.next().value}\n\n${more.next().value}`;
}

function composeText(conversation: Turn[], directives: Directives): string {
  const ask = conversation.findLast((turn) => turn.role === "user")?.text ?? "";
  const isPlain = directives.text === "plain";
  const written = isPlain ? "" : answer(conversation);
  const more = furtherParagraphs(topicOf(ask), seededChoice(JSON.stringify(conversation)), written);
  const gap = isPlain ? " " : "\n\n";
  const dressed = (text: string) => (directives.halves ? withPairs(text) : text);
  let text = dressed(isPlain ? more.next().value : written);
  if (directives.unicode) {
    text = `${unicodeSample}${gap}${text}`;
  }
  if (directives.tokens === null) {
    return text;
  }
  const tokens = tokenise(text);
  while (tokens.length < directives.tokens) {
    tokens.push(...tokenise(gap + dressed(more.next().value)));
  }
  return tokens.slice(0, directives.tokens).join("");
}

/** Characters of two units all through the text, so that it may break off in one anywhere. */
function withPairs(text: string): string {
  return text.replace(/(?:\S+ ){3}/g, "$&👍🏽 ");
}

/** Every attempt at the same reply thinks the same. */
function composeThoughts(conversation: Turn[], count: number): string[] {
  const topic = topicOf(conversation.findLast((turn) => turn.role === "user")?.text ?? "");
  const more = furtherParagraphs(topic, seededChoice(`thoughts about ${topic}`), "");
  const thoughts: string[] = [];
  while (thoughts.length < count) {
    thoughts.push(...tokenise(`${thoughts.length === 0 ? "" : "\n\n"}${more.next().value}`));
  }
  return thoughts.slice(0, count);
}

/** One- and two-unit characters, joined emoji, flags, combining marks, wide and right-to-left scripts. */
const unicodeSample =
  "日本語の文章は空白なしで続きます。中文也是这样，一个字接着一个字。한국어도 있어요. 👩‍👩‍👧‍👦 🏳️‍🌈 🇯🇵 👍🏽 e\u0301 ñ 𝒟𝓊ℯ𝓉 𠮷野家 עברית العربية Ελληνικά.";
