/**
 * A reply's text as markdown. The renderer is loaded apart from the app. Until it is there, text that grows from its
 * first words on stands as it is; a longer one, finished or met in the middle (a reloaded page, another tab), suspends:
 * its page shows a place for it rather than markup for a blink, and a jump.
 */
import { lazy, Suspense, useState } from "react";
import { PlainText } from "./PlainText.tsx";
import { PlainTextFallback } from "./PlainTextFallback.tsx";

/** A line on a wide screen, in UTF-16 units: so little takes as much room without its renderer as with it. */
const FIRST_WORDS_LENGTH = 80;

const loadRenderer = () => import("./StreamedMarkdown.tsx");
const StreamedMarkdown = lazy(loadRenderer);

/** Fetches the renderer while the page is idle, so that the first reply need not wait for it. */
export function preloadMarkdown(): void {
  // A failed load is tried again, and shown as plain text, when the first reply needs it.
  void loadRenderer().catch(() => undefined);
}

export interface AssistantMarkdownProps {
  text: string;
  isWriting: boolean;
}

export function AssistantMarkdown({ text, isWriting }: AssistantMarkdownProps) {
  // What has been read is not hidden again when the reply ends.
  const [wasReadFromStart] = useState(isWriting && text.length <= FIRST_WORDS_LENGTH);
  const markdown = <StreamedMarkdown text={text} isWriting={isWriting} />;
  return (
    <PlainTextFallback text={text}>
      {/* A fallback that suspends as well hands over to the boundary outside. */}
      <Suspense fallback={wasReadFromStart ? <PlainText text={text} /> : markdown}>{markdown}</Suspense>
    </PlainTextFallback>
  );
}
