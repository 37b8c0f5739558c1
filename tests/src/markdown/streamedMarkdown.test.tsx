import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, test } from "vitest";
import StreamedMarkdown from "../../../src/markdown/StreamedMarkdown.tsx";

afterEach(cleanup);

function show(text: string): HTMLElement {
  return render(<StreamedMarkdown text={text} isWriting={false} />).container;
}

describe("a reply's markdown", () => {
  test("shows raw HTML as the text that it is", () => {
    const reply = show(
      'Before <b onclick="x()">bold</b>\n\n<script>alert(1)</script>\n\n<iframe src="https://example.com">',
    );
    expect(reply.querySelector("script, iframe, [onclick]")).toBeNull();
    expect(reply.textContent).toContain("<script>alert(1)</script>");
  });

  test("fetches no image, and links to it instead", () => {
    const reply = show("![a chart](https://example.com/chart.png?secret=1)");
    expect(reply.querySelector("img")).toBeNull();
    expect(screen.getByRole("link", { name: "a chart" }).getAttribute("href")).toBe(
      "https://example.com/chart.png?secret=1",
    );
  });

  test("opens links elsewhere and tells nothing of this page", () => {
    show("[there](https://example.com/)");
    const link = screen.getByRole("link", { name: "there" });
    expect(link.getAttribute("target")).toBe("_blank");
    expect(link.getAttribute("rel")).toBe("noopener noreferrer");
  });

  test.each(["javascript:alert(1)", "data:text/html,<script>alert(1)</script>"])(
    "makes no link of %s",
    (address) => {
      const reply = show(`[click](${address})`);
      expect(reply.querySelector(`a[href^="javascript"], a[href^="data"]`)).toBeNull();
    },
  );

  test("keeps the block of code that grows, and each line in it, where a new one would flicker", () => {
    const lines = ["const a = 1;", "const b = a ** 2;", "export { a, b };"];
    const textOf = (count: number) => `Look:\n\n\`\`\`ts\n${lines.slice(0, count).join("\n")}`;
    const { container, rerender } = render(<StreamedMarkdown text={textOf(1)} isWriting />);
    const block = container.querySelector("pre");
    const firstLine = block?.querySelector("code > *") ?? null;
    expect(block?.textContent).toBe(lines[0]);
    for (const count of [2, 3]) {
      rerender(<StreamedMarkdown text={textOf(count)} isWriting />);
      expect(container.querySelector("pre")).toBe(block);
      expect(block?.querySelector("code > *") ?? null).toBe(firstLine);
    }
    rerender(<StreamedMarkdown text={`${textOf(3)}\n\`\`\`\n\nThat is all.`} isWriting={false} />);
    expect(container.querySelector("pre")).toBe(block);
  });

  test("closes what is still being written", () => {
    const reply = render(<StreamedMarkdown text="Some **bold wor" isWriting />).container;
    expect(reply.textContent).toBe("Some bold wor");
  });

  test.each([
    "Set window.__x=1, then ask someone…mail@example.com",
    "The backtick char is ` alone, and ~~ strikes nothing",
    "A star * alone, **two and an [opening bracket",
    "Costs $$ and __dunder",
  ])("is not repaired once it is whole: %s", (text) => {
    const growing = render(<StreamedMarkdown text={text} isWriting />);
    growing.rerender(<StreamedMarkdown text={text} isWriting={false} />);
    expect(growing.container.textContent).toBe(text);
    expect(show(text).textContent).toBe(text);
  });
});
