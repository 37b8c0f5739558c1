/** Ends the offer to undo after a while, which does not pass while the person is at it with pointer or keyboard. */
import { useEffect, useState, type FocusEvent } from "react";
import type { Id } from "../../convex/_generated/dataModel.js";
import { chatDeletions } from "./chatDeletions.ts";

const OFFERED_FOR_MS = 10_000;
/** The server removes the chat after 30 s; an offer that it would refuse is none. */
const OFFERED_AT_MOST_MS = 25_000;

export interface HoldOpen {
  onPointerEnter: () => void;
  onPointerLeave: () => void;
  onFocus: () => void;
  onBlur: (event: FocusEvent) => void;
}

/** To be spread on the element of the offer. */
export function useLetGoInTime(chatId: Id<"chats">, isOffered: boolean): HoldOpen {
  const [isPointedAt, setIsPointedAt] = useState(false);
  const [hasFocus, setHasFocus] = useState(false);
  const isHeld = isPointedAt || hasFocus;

  useEffect(() => {
    if (!isOffered) return;
    const timer = setTimeout(() => chatDeletions.letGo(chatId), OFFERED_AT_MOST_MS);
    return () => clearTimeout(timer);
  }, [chatId, isOffered]);
  useEffect(() => {
    if (!isOffered || isHeld) return;
    const timer = setTimeout(() => chatDeletions.letGo(chatId), OFFERED_FOR_MS);
    return () => clearTimeout(timer);
  }, [chatId, isOffered, isHeld]);

  return {
    onPointerEnter: () => setIsPointedAt(true),
    onPointerLeave: () => setIsPointedAt(false),
    onFocus: () => setHasFocus(true),
    onBlur: (event) => setHasFocus(event.currentTarget.contains(event.relatedTarget)),
  };
}
