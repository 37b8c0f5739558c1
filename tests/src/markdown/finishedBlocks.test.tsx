/** Blocks of a growing reply that are finished stay what they are in the page: nothing flickers, no selection is lost. */
import { cleanup, render } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, expect, test } from "vitest";
import StreamedMarkdown from "../../../src/markdown/StreamedMarkdown.tsx";

afterEach(cleanup);

const blocks = [
  "# A heading",
  "Some **bold** words and `code` in a paragraph.",
  "```ts\nconst one: number = 1;\n\nconst two = one + 1;\n```",
  "- first\n- second\n  - below",
  "| a | b |\n|---|---|\n| 1 | 2 |",
  "> quoted **words**",
  "The last words.",
];
const text = blocks.join("\n\n");

function page(written: string, isWriting: boolean) {
  return (
    <StrictMode>
      <StreamedMarkdown text={written} isWriting={isWriting} />
    </StrictMode>
  );
}

/** The blocks as they stand in the page. */
function shown(container: HTMLElement): Element[] {
  return [...(container.firstElementChild?.children ?? [])];
}

test("each block that is finished keeps its elements, unchanged, until the reply ends and after", () => {
  const { container, rerender } = render(page("", true));
  const finished = new Map<Element, { nodes: Node[]; html: string }>();
  const check = () => {
    for (const [block, { nodes, html }] of finished) {
      expect(container.contains(block)).toBe(true);
      expect(block.innerHTML).toBe(html);
      expect(allNodes(block).every((node, index) => node === nodes[index])).toBe(true);
    }
  };
  let known = 0;
  for (let length = 3; length < text.length; length += 3) {
    rerender(page(text.slice(0, length), true));
    check();
    const all = shown(container);
    // One block behind the newest is finished for certain: the newest may still take it in, as a list does.
    for (const block of all.slice(known, Math.max(0, all.length - 2))) {
      finished.set(block, { nodes: allNodes(block), html: block.innerHTML });
      known += 1;
    }
  }
  expect(finished.size).toBeGreaterThanOrEqual(blocks.length - 2);
  rerender(page(text, true));
  check();
  for (const [block, kept] of finished) kept.html = block.innerHTML;
  rerender(page(text, false));
  for (const [block] of finished) expect(container.contains(block)).toBe(true);
});

function allNodes(block: Element): Node[] {
  return [block, ...block.querySelectorAll("*")];
}
