/**
 * Lets a long reply be rendered as often as its length allows. Each render parses the paragraph that grows from its
 * beginning; at one a frame, a paragraph of a novel's length would leave the page no time for anything else.
 */
import { useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";

/** UTF-16 units. Shorter texts are rendered in a few milliseconds, whatever is in them. */
const PACED_FROM_LENGTH = 8_000;
/** Rendering takes a quarter of the time at most. */
const PAUSE_PER_RENDER_TIME = 3;

/** The text to render now: `text` itself, or an earlier state of it while it is long and being written. */
export function usePacedText(text: string, isWriting: boolean): string {
  const [paced, setPaced] = useState(text);
  const latest = useRef(text);
  const pauseMs = useRef(0);
  const isPaced = isWriting && text.length >= PACED_FROM_LENGTH;
  if (!isPaced && paced !== text) setPaced(text);
  // Each state that is behind begins a pause of its own.
  const behindAt = isPaced && paced !== text ? paced : null;

  useEffect(() => {
    latest.current = text;
  }, [text]);

  useEffect(() => {
    if (behindAt === null) return;
    const timer = setTimeout(() => {
      const begunAtMs = performance.now();
      flushSync(() => setPaced(latest.current));
      pauseMs.current = (performance.now() - begunAtMs) * PAUSE_PER_RENDER_TIME;
    }, pauseMs.current);
    return () => clearTimeout(timer);
  }, [behindAt]);

  return isPaced ? paced : text;
}
