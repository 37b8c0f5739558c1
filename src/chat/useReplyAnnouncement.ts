/** What a screen reader hears of a reply that is being written: whole sentences, a few at a time, and then its end. */
import { useEffect, useReducer, useRef } from "react";
import { endOfLastSentence } from "./sentences.ts";
import { spokenText } from "./spokenText.ts";

/** Long enough for a sentence to be heard before the next ones replace it in the live region. */
const ANNOUNCE_EVERY_MS = 3_000;

export interface ReplyProgress {
  text: string;
  /** Null while the reply is being written, then what to call its end. */
  ending: string | null;
}

interface Announced {
  /** The reply is read from here on; null while it was not seen at work, so that old replies stay silent. */
  readUpTo: number | null;
  message: string;
}

/** The text for a polite live region; empty while there is nothing to say. */
export function useReplyAnnouncement(progress: ReplyProgress): string {
  const [announced, hear] = useReducer(nextAnnouncement, { readUpTo: null, message: "" });
  const latest = useRef(progress);
  const { text, ending } = progress;

  useEffect(() => {
    latest.current = { text, ending };
  }, [text, ending]);

  useEffect(() => {
    const hearLatest = () => hear(latest.current);
    const first = setTimeout(hearLatest, 0);
    const every = ending === null ? setInterval(hearLatest, ANNOUNCE_EVERY_MS) : undefined;
    return () => {
      clearTimeout(first);
      clearInterval(every);
    };
  }, [ending]);

  return announced.message;
}

export function nextAnnouncement(announced: Announced, { text, ending }: ReplyProgress): Announced {
  const { readUpTo } = announced;
  if (ending !== null) {
    if (readUpTo === null) return announced;
    return { readUpTo: null, message: `${spokenText(text.slice(readUpTo))} ${ending}`.trim() };
  }
  if (readUpTo === null) return { readUpTo: text.length, message: "The assistant is replying." };
  const end = endOfLastSentence(text, readUpTo);
  return end === readUpTo ? announced : { readUpTo: end, message: spokenText(text.slice(readUpTo, end)) };
}
