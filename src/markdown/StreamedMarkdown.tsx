/**
 * Renders markdown that is still growing. What a model writes is not trusted: raw HTML is shown as text, nothing is
 * fetched from other hosts, links open elsewhere and say nothing of this page.
 */
import { defaultRehypePlugins, Streamdown, type StreamdownProps } from "streamdown";
import type { AssistantMarkdownProps } from "./AssistantMarkdown.tsx";
import { ImagePlaceholder } from "./ImagePlaceholder.tsx";
import { OutsideLink } from "./OutsideLink.tsx";
import { usePacedText } from "./usePacedText.ts";

/** Without `raw`: Streamdown then turns HTML into text. */
const rehypePlugins = ["sanitize", "harden"].map((name) => {
  const plugin = defaultRehypePlugins[name];
  if (plugin === undefined) throw new Error(`streamdown has no rehype plugin "${name}" any more`);
  return plugin;
});
// The library's index signature asks every component to take any props at all; ours name the few that they read.
const components = { img: ImagePlaceholder, a: OutsideLink } as StreamdownProps["components"];
const controls: StreamdownProps["controls"] = { table: false, code: { copy: true, download: false } };
const linkSafety = { enabled: false };

export default function StreamedMarkdown({ text, isWriting }: AssistantMarkdownProps) {
  const paced = usePacedText(text, isWriting);
  return (
    <Streamdown
      // Each block of the text has the direction of its own words.
      dir="auto"
      components={components}
      rehypePlugins={rehypePlugins}
      controls={controls}
      linkSafety={linkSafety}
      lineNumbers={false}
      // Only what is still being written is repaired: in a whole reply a lone mark is what the model meant.
      parseIncompleteMarkdown={isWriting}
      isAnimating={isWriting}
      codeBlockMaxHeight={0}
      tableMaxHeight={0}
    >
      {paced}
    </Streamdown>
  );
}
