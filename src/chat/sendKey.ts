/** Which key sends what is being written. */
import type { KeyboardEvent } from "react";

/** Enter; with Shift it is a new line, and while an input method composes it picks a candidate. */
export function isSendKey(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing;
}
