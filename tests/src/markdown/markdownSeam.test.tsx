/**
 * A reply's markdown while it grows: the same text, however it is cut, must never take back a word that was read. Only
 * letters are compared: markup characters, the numbers of lists among them, vanish when their meaning is known.
 */
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, test } from "vitest";
import { AssistantMarkdown } from "../../../src/markdown/AssistantMarkdown.tsx";
import StreamedMarkdown from "../../../src/markdown/StreamedMarkdown.tsx";
import { seededRandom } from "../streaming/random.ts";

const replies: Record<string, string> = {
  prose: `# A heading *with stress*

Some **bold words**, *slanted ones*, ***both at once***, ~~struck~~ and \`inline code\`; snake_case_words and 2 * 3 * 4.
A second line, a hard  
break, an escaped \\*star\\* and an emoji 😀 beside 日本語の文章。

Setext heading
--------------

> A quotation with **weight**
> over two lines
>
> > and one inside

---

Good night.`,
  lists: `Before:

- apples
- **pears**, the *soft* kind
  - from the garden
  - from the \`market\`
    1. first stall
    2. second stall

      its second paragraph

1. One thing
2. Another **thing**
10) A list of its own

* loose

* items

- [ ] to be done
- [ ] after that`,
  code: `Look:

\`\`\`typescript
const stars = a ** b; // **not bold**
function greet(name: string): string {
  return \`Hello, \${name}\`;
}
\`\`\`

and without a language:

\`\`\`
| not | a table |
# no heading
\`\`\`

    indented code

~~~python
def f(): return "\`\`\`"
~~~

1. in a list

   \`\`\`sh
   npm run dev
   \`\`\`

The end, with \`\`double \` ticks\`\`.`,
  tables: `Fruit:

| Name | Colour | **Taste** |
| :--- | :----: | --------: |
| Apple | red | \`sweet\` |
| Lemon | yellow | *sour* |
| Plum | blue | [good](https://example.com/plum) |

After the table.`,
  links: `See [the **guide**](https://example.com/guide "A title") or <https://example.com/direct> and
https://example.com/bare here. ![a picture](https://example.com/picture.png) stands there, ![](https://example.com/nameless.png) too.

Raw <b>HTML</b> is shown, a < b && c > d as well, and AT&T.`,
};

const names = Object.keys(replies);

afterEach(cleanup);

const letters = (element: HTMLElement) => element.textContent.replace(/\P{L}/gu, "");

/** Shows a reply that grows by the pieces and then ends; answers each step that took letters back. */
function lostLetters(pieces: string[]): string[] {
  const shown = render(<StreamedMarkdown text="" isWriting />);
  const lost: string[] = [];
  let text = "";
  let before = "";
  const look = (isWriting: boolean) => {
    shown.rerender(<StreamedMarkdown text={text} isWriting={isWriting} />);
    const after = letters(shown.container);
    if (!after.startsWith(before)) {
      lost.push(`after ${JSON.stringify(text.slice(-20))}: ${before.slice(-40)} became ${after.slice(-40)}`);
    }
    before = after;
  };
  for (const piece of pieces) {
    text += piece;
    look(true);
  }
  look(false);
  const whole = render(<StreamedMarkdown text={text} isWriting={false} />);
  if (shown.container.textContent !== whole.container.textContent) lost.push("differs from the whole reply");
  cleanup();
  return lost;
}

describe("a reply's markdown while it grows", () => {
  test.each(names)("takes back no letter of %s, whatever the last character", (name) => {
    expect(lostLetters((replies[name] ?? "").split(""))).toEqual([]);
  });

  test.each(names)("takes back no letter of %s in random pieces", (name) => {
    const lost = [1, 2, 3, 4].flatMap((seed) =>
      lostLetters(seededRandom(seed).pieces(replies[name] ?? "", 14)),
    );
    expect(lost).toEqual([]);
  });

  test("keeps its words when the renderer arrives in the middle", async () => {
    const text = "Some **bold words** and `code`, then *sla";
    const { container } = render(<AssistantMarkdown text={text} isWriting />);
    expect(container.textContent).toBe(text);
    await screen.findByText("bold words");
    expect(container.textContent).toBe("Some bold words and code, then sla");
  });
});
