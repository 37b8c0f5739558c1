/** Things to ask, for a person who looks at an empty page. */
export const examplePrompts = [
  {
    title: "Explain something",
    prompt: "Explain how noise-cancelling headphones work, as if to a curious twelve-year-old.",
  },
  {
    title: "Plan a weekend",
    prompt: "Plan a slow weekend in a city I have never been to. Ask me three questions first.",
  },
  { title: "Improve a text", prompt: "Help me write a short, warm message that declines an invitation." },
  {
    title: "Write some code",
    prompt: "Write a TypeScript function that groups an array by a key, and explain each line.",
  },
] as const;
