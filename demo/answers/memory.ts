/** Answers that come out of the conversation itself: names, facts, what was said when, a summary. */
import type { Turn } from "../conversation.ts";
import type { Question } from "./answer.ts";
import { capitalised, shortened } from "./topic.ts";

export function answerFromMemory({ text, earlier }: Question): string | null {
  return summary(text, earlier) ?? whatWasSaid(text, earlier) ?? storedFact(text, earlier) ?? newFact(text);
}

function summary(text: string, earlier: Turn[]): string | null {
  const asked = /\b(summari[sz]e|summary|recap|sum up)\b/i.test(text);
  const aboutUs =
    /\b(conversation|chat|discussion|so far|we|us|our|this|it)\b/i.test(text) || text.length < 30;
  if (!asked || !aboutUs) {
    return null;
  }
  const asks = earlier.filter((turn) => turn.role === "user");
  if (asks.length === 0) {
    return "There is nothing to summarise yet: your request is the first message of this conversation.";
  }
  const lines = asks.map((turn, index) => {
    const reply = replyTo(earlier, turn);
    const answered = reply === null ? "there was no answer to it" : `I answered: “${firstSentence(reply)}”`;
    return `${index + 1}. You wrote “${shortened(turn.text, 120)}”, and ${answered}`;
  });
  const messages = asks.length === 1 ? "one message" : `${asks.length} messages`;
  return `Here is our conversation so far, ${messages} from you:\n\n${lines.join("\n")}\n\nThat is everything I was given.`;
}

function whatWasSaid(text: string, earlier: Turn[]): string | null {
  const asksForPast =
    /\b(?:did|have|was|were|'s|is)\b.*\b(?:i|you|we|my|your|our)\b.*\b(?:sa(?:y|id)|as[ks]\w*|wr[io]te|written|tell|told|messages?|questions?|things?|answer\w*|repl\w+)\b/i.test(
      text,
    ) || /\brepeat\b.*\b(?:that|it|yourself|first|last)\b/i.test(text);
  if (!asksForPast) {
    return null;
  }
  const aboutMe =
    /\b(?:you|your|yourself)\b|\brepeat\b/i.test(text) &&
    !/\bi (?:say|said|ask|wrote|tell|told)\b/i.test(text);
  const role = aboutMe ? "assistant" : "user";
  const said = earlier.filter((turn) => turn.role === role);
  const fromStart = /\b(?:first|begin\w*|start\w*|initial\w*|original\w*)\b/i.test(text);
  const wanted = fromStart ? said[0] : said.at(-1);
  if (wanted === undefined) {
    return `Nothing yet: this is the first message of our conversation${aboutMe ? ", so I have not said anything before" : ""}.`;
  }
  const who = aboutMe ? "I" : "you";
  const when = fromStart ? `The first thing ${who} said` : `The last thing ${who} said before this`;
  return `${when} was:\n\n> ${wanted.text.trim().replaceAll("\n", "\n> ")}`;
}

const factPatterns = [
  /\bmy ([\p{L}][\p{L} ]{0,30}?) is (?:called |named )?([^.,!?;\n]{1,60})/giu,
  /\b(?:[Cc]all me|[Ii] am called|[Ii]['’]m called) ()(\p{Lu}[\p{L}'-]*(?: \p{Lu}[\p{L}'-]*)*)/gu,
  /\b(?:[Ii] am|[Ii]['’]m) ()(\p{Lu}[\p{L}'-]+)/gu,
];

/** What the person told about themselves: the newest value of each fact. */
function factsIn(turns: readonly Turn[]): Map<string, string> {
  const facts = new Map<string, string>();
  for (const turn of turns) {
    if (turn.role !== "user" || /\?\s*$/.test(turn.text)) {
      continue;
    }
    for (const pattern of factPatterns) {
      for (const [, thing, value] of turn.text.matchAll(pattern)) {
        facts.set(
          (thing || "name").toLowerCase().trim(),
          (value ?? "").replace(/\s+(?:and|but|so)\b.*$/i, "").trim(),
        );
      }
    }
  }
  return facts;
}

function storedFact(text: string, earlier: Turn[]): string | null {
  const asked =
    /\b(?:what(?:'s|’s|s| is| was)|who(?:'s|’s| is)?|remember|recall|know|tell me)\b.*?\bmy ([\p{L}][\p{L} ]{0,30}?)(?: is)?\s*[?.!]*$/iu.exec(
      text,
    )?.[1] ?? (/\bwho am i\b/i.test(text) ? "name" : undefined);
  if (asked === undefined) {
    return null;
  }
  const thing = asked.toLowerCase().trim();
  const value = factsIn(earlier).get(thing);
  return value === undefined
    ? `I do not know your ${thing} yet. Tell me (“my ${thing} is …”) and ask again: I read the whole conversation each time.`
    : `Your ${thing} is **${value}**. You told me earlier in this conversation.`;
}

function newFact(text: string): string | null {
  if (/\?\s*$/.test(text) || text.length > 120) {
    return null;
  }
  const facts = [...factsIn([{ role: "user", text }])];
  const [first] = facts;
  if (first === undefined) {
    return null;
  }
  const [thing, value] = first;
  const greeting =
    thing === "name" ? `Nice to meet you, ${capitalised(value)}!` : `Noted: your ${thing} is ${value}.`;
  return `${greeting} I will know it for the rest of this conversation, so ask me later: “What is my ${thing}?”\n\nWhat would you like to talk about?`;
}

function replyTo(turns: readonly Turn[], ask: Turn): string | null {
  const next = turns[turns.indexOf(ask) + 1];
  return next?.role === "assistant" ? next.text : null;
}

function firstSentence(text: string): string {
  const line = text.split("\n").find((part) => /\p{L}/u.test(part)) ?? text;
  return shortened(line.replace(/^[#>*\s-]+/, "").split(/(?<=[.!?])\s/)[0] ?? line, 120);
}
