/** A reply's text as markdown. The renderer is loaded apart from the app; until it is there the text stands as it is. */
import { lazy, Suspense } from "react";
import { PlainText } from "./PlainText.tsx";
import { PlainTextFallback } from "./PlainTextFallback.tsx";

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
  return (
    <PlainTextFallback text={text}>
      <Suspense fallback={<PlainText text={text} />}>
        <StreamedMarkdown text={text} isWriting={isWriting} />
      </Suspense>
    </PlainTextFallback>
  );
}
