/** The answer to everything else: a few believable paragraphs about what was asked. */
import type { Question } from "./answer.ts";
import { howToConnect } from "./aboutDemo.ts";
import type { SeededChoice } from "./seededChoice.ts";
import { capitalised, shortened } from "./topic.ts";

export function answerAboutTopic({ text, topic, earlier, choice }: Question): string {
  const sentencesAbout = dealtSentences(topic, choice, "");
  const parts = [opening(text, topic, choice), paragraph(sentencesAbout)];
  const previous = earlier.findLast((turn) => turn.role === "user");
  if (previous !== undefined) {
    parts.push(
      `This also touches on what you wrote before, “${shortened(previous.text, 80)}”: the two are easier to weigh side by side.`,
    );
  }
  parts.push(
    `### ${choice.pick(["What to look at first", "Three things worth knowing", "Where it matters"])}`,
    choice
      .shuffle(points)
      .slice(0, 3)
      .map(([head, rest]) => `- **${head}**: ${rest}`)
      .join("\n"),
    paragraph(sentencesAbout),
    earlier.length === 0
      ? `*I am the demo model: I know your words, not the world, so take this as a sketch of an answer. ${howToConnect}*`
      : choice.pick(closings),
  );
  return parts.join("\n\n");
}

/** Further paragraphs about the same, for a reply that has to be longer than `said`. */
export function* furtherParagraphs(
  subject: string,
  choice: SeededChoice,
  said: string,
): Generator<string, never> {
  const sentencesAbout = dealtSentences(subject, choice, said);
  for (;;) {
    yield paragraph(sentencesAbout);
  }
}

function opening(text: string, topic: string, choice: SeededChoice): string {
  const sentence =
    topic === "this"
      ? `“${shortened(text, 100)}” ${choice.pick(["is worth a closer look.", "has more than one good answer.", "is easily asked and less easily answered."])}`
      : choice.pick([
          `Let us take ${topic} from the start.`,
          `${capitalised(topic)}: that is worth a closer look.`,
          `There is a short way to talk about ${topic}, and a thorough one.`,
        ]);
  return `${sentence} ${choice.pick(bridges)}`;
}

const sentencesPerParagraph = 4;

function paragraph(sentencesAbout: Generator<string, never>): string {
  return Array.from({ length: sentencesPerParagraph }, () => sentencesAbout.next().value).join(" ");
}

/** A sentence is not said again before so many others: nobody writes like that, and it would look like a broken take-over. */
const sentencesBetween = 4;

/** All of the sentences, then all of them again in another order. */
function* dealtSentences(subject: string, choice: SeededChoice, said: string): Generator<string, never> {
  const about = sentences.map((sentence) => sentence.replace("{topic}", subject));
  let recent = about.filter((sentence) => said.includes(sentence)).slice(-sentencesBetween);
  for (;;) {
    for (const sentence of choice.shuffle(about)) {
      if (!recent.includes(sentence)) {
        yield sentence;
        recent = [...recent, sentence].slice(-sentencesBetween);
      }
    }
  }
}

const bridges = [
  "I will keep to the essentials and leave the rest for your next question.",
  "Here is how I would go about it.",
  "Some of it is well known, some of it is easily missed.",
];

const sentences = [
  "Most people meet {topic} by accident and only later find out how much there is to it.",
  "What looks simple from a distance turns out to have a grain, and it pays to work along it.",
  "The details differ from place to place, yet the pattern is surprisingly steady.",
  "A good first step is to write down what you already know about {topic}, and what you only suppose.",
  "Numbers help here, but only the ones that would change your mind.",
  "It is tempting to look for one cause; usually there are three, and two of them are dull.",
  "Experience counts for more than theory at the beginning, and for less towards the end.",
  "If you compare {topic} with its neighbours, the differences show where the real choices are.",
  "Small changes add up, provided that somebody keeps an eye on the whole.",
  "The usual advice is sound, though it was made for usual circumstances.",
  "There is a cost to waiting, and another to hurrying; the art is to know which one you are paying.",
  "Those who have worked with {topic} for years tend to agree on the questions and to differ on the answers.",
  "Time does part of the work: what is left alone for a week often sorts itself out.",
  "It helps to talk it through with somebody who is not involved.",
  "Once the purpose of {topic} is clear, half of the options fall away by themselves.",
  "And where opinions are loud, a small experiment is the quickest way to a quiet answer.",
];

const points: [string, string][] = [
  ["Purpose", "what should be different afterwards, and for whom?"],
  ["Scale", "what works for ten may break for a thousand, and the other way round."],
  ["Timing", "early decisions are cheap to change, late ones are better informed."],
  ["People", "who does the work, and who lives with the result?"],
  ["Limits", "the one scarce thing decides; find out which one it is."],
  ["Evidence", "one good example is worth more than five opinions."],
  ["Way back", "prefer the option that you can undo."],
];

const closings = [
  "Which of these would you like to go into?",
  "Tell me a little more about your case and I can be more precise.",
  "Ask me to summarise our conversation whenever you want to take stock.",
];
