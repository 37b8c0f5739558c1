/** What the demo model says about itself, and how to put a real model in its place. */
import type { Question } from "./answer.ts";

export const howToConnect =
  "To talk to a real model, put `OPENAI_API_KEY` or `ANTHROPIC_API_KEY` (or `OPENAI_COMPATIBLE_BASE_URL` for Ollama and the like) into `.env.local` and start `npm run dev` again.";

export function answerAboutDemo({ text }: Question): string | null {
  const aboutMe =
    /\b(?:who|what) are you\b|\bare you (?:real|an? |the |gpt|claude|human|conscious|chatgpt)|\bwhat(?:'s|’s| is) your name\b|\bwhich model\b|\bdemo model\b/i;
  const aboutConnecting =
    /\b(?:connect|use|set up|configure|add)\b.*\b(?:real|model|key|openai|anthropic|ollama|claude|gpt)\b/i;
  if (!aboutMe.test(text) && !aboutConnecting.test(text)) {
    return null;
  }
  return [
    "I am the **demo model**: a small program on your own machine that speaks the wire formats of OpenAI and Anthropic. I do not think; I build a reply out of the conversation that I am sent, so that all the rest of Duet (streaming, saving, watching in a second tab, recovering) can be seen at work without a key or a network.",
    howToConnect,
    "| You want | You set |\n| --- | --- |\n| OpenAI | `OPENAI_API_KEY` |\n| Anthropic | `ANTHROPIC_API_KEY` |\n| Ollama, vLLM, LM Studio | `OPENAI_COMPATIBLE_BASE_URL`, `OPENAI_COMPATIBLE_MODELS` |",
    "Your chats stay where they are, and you can pick the model for each message.",
  ].join("\n\n");
}
