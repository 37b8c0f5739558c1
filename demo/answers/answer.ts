/** Chooses what kind of answer a conversation gets. The answer depends on the conversation and on nothing else. */
import type { Turn } from "../conversation.ts";
import { answerAboutDemo } from "./aboutDemo.ts";
import { answerWithCode } from "./code.ts";
import { answerAboutTopic } from "./essay.ts";
import { answerFromMemory } from "./memory.ts";
import { seededChoice, type SeededChoice } from "./seededChoice.ts";
import { answerSmallThings } from "./smallThings.ts";
import { topicOf } from "./topic.ts";
import { answerWithList, answerWithPoem, answerWithTable } from "./written.ts";

export interface Question {
  text: string;
  topic: string;
  /** The turns before the question, oldest first. */
  earlier: Turn[];
  choice: SeededChoice;
}

type Answerer = (question: Question) => string | null;

/** In this order: what was asked for most plainly comes first; the last one answers everything. */
const answerers: Answerer[] = [
  answerFromMemory,
  answerSmallThings,
  answerWithCode,
  answerWithTable,
  answerWithPoem,
  answerWithList,
  answerAboutDemo,
];

export function answer(turns: readonly Turn[]): string {
  const question = toQuestion(turns);
  for (const answerer of answerers) {
    const text = answerer(question);
    if (text !== null) {
      return text;
    }
  }
  return answerAboutTopic(question);
}

function toQuestion(turns: readonly Turn[]): Question {
  const at = turns.findLastIndex((turn) => turn.role === "user");
  const text = turns[at]?.text ?? "";
  const earlier = turns.slice(0, Math.max(at, 0));
  const seed = [...earlier, { role: "user", text }]
    .filter((turn) => turn.role === "user")
    .map((turn) => turn.text)
    .join("\n");
  return { text, topic: topicOf(text), earlier, choice: seededChoice(seed) };
}
