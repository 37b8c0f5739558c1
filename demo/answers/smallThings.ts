/** Greetings, thanks, counting, sums, titles: what has a short and certain answer. */
import type { Question } from "./answer.ts";
import { capitalised } from "./topic.ts";

const longestCount = 1000;

export function answerSmallThings(question: Question): string | null {
  return (
    title(question) ?? greeting(question) ?? thanks(question) ?? counting(question.text) ?? sum(question.text)
  );
}

function title({ text, earlier, topic }: Question): string | null {
  if (!/\b(?:title|name)\b.*\b(?:conversation|chat)\b/i.test(text)) {
    return null;
  }
  return capitalised(
    earlier
      .find((turn) => turn.role === "user")
      ?.text.split(/\s+/)
      .slice(0, 6)
      .join(" ") ?? topic,
  );
}

function greeting({ text, earlier, choice }: Question): string | null {
  if (!/^(?:hi|hello|hey|good (?:morning|afternoon|evening)|hallo|moin)\b[^?]{0,20}$/i.test(text.trim())) {
    return null;
  }
  if (earlier.length > 0) {
    return choice.pick(["Hello again! Where shall we go on?", "Hello! I am still here. What is next?"]);
  }
  return [
    choice.pick(["Hello! Good to see you.", "Hi there!", "Hello, and welcome."]),
    "I am Duet's **demo model**: a small simulated model on your own machine, so that you can try everything without a key. I read the whole conversation, so here are a few things to try:",
    "- Tell me your name, and ask for it later\n- *Count to 20*\n- *Write a poem about the sea*\n- *Make a table of the planets*\n- *Show me some TypeScript*\n- *What did I say first?*",
    "Open this chat in a second tab while I write: it follows along, word by word.",
  ].join("\n\n");
}

function thanks({ text, choice }: Question): string | null {
  if (!/^(?:thanks|thank you|thx|cheers|great|perfect|nice)\b.{0,30}$/i.test(text.trim())) {
    return null;
  }
  return choice.pick(["You are welcome!", "Gladly. Anything else?", "My pleasure. What is next?"]);
}

function counting(text: string): string | null {
  const match = /\bcount\b(?:.*?\bfrom (-?\d+))?.*?(?:\b(?:up |down )?to (-?\d+)|\b(\d+))/i.exec(text);
  if (match === null) {
    return null;
  }
  const from = Number(match[1] ?? 1);
  const to = Number(match[2] ?? match[3]);
  const backwards = match[1] === undefined && /\b(?:backwards?|down)\b/i.test(text);
  const [start, end] = backwards ? [to, from] : [from, to];
  if (Math.abs(end - start) >= longestCount) {
    return `That would be a long evening. I count at most ${longestCount} numbers at a time.`;
  }
  const step = end < start ? -1 : 1;
  const numbers = Array.from({ length: Math.abs(end - start) + 1 }, (_, index) => start + index * step);
  return `${numbers.join(", ")}.`;
}

function sum(text: string): string | null {
  const match =
    /^(?:what(?:'s|’s| is)|how much is|calculate|compute)?\s*(-?\d+(?:\.\d+)?)\s*(\+|-|−|\*|x|×|·|\/|:|÷|plus|minus|times|divided by)\s*(-?\d+(?:\.\d+)?)\s*[?=.!]*$/i.exec(
      text.trim(),
    );
  if (match === null) {
    return null;
  }
  const [left, operator, right] = [Number(match[1]), (match[2] ?? "").toLowerCase(), Number(match[3])];
  if (["/", ":", "÷", "divided by"].includes(operator) && right === 0) {
    return "Division by zero has no answer, not even from a real model.";
  }
  const result = calculate(left, operator, right);
  return `${match[1]} ${match[2]} ${match[3]} is **${Number(result.toPrecision(12))}**.`;
}

function calculate(left: number, operator: string, right: number): number {
  switch (operator) {
    case "+":
    case "plus":
      return left + right;
    case "-":
    case "−":
    case "minus":
      return left - right;
    case "/":
    case ":":
    case "÷":
    case "divided by":
      return left / right;
    default:
      return left * right;
  }
}
