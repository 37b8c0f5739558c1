/** Sends what was written while a reply grew, as soon as that reply has ended; until then it stands in the composer. */
import { useEffect } from "react";
import { drafts } from "../sending/drafts.ts";
import { endState } from "../streaming/replyState.ts";
import type { ConversationRow } from "./conversationRows.ts";
import { useDraft } from "./useDraft.ts";

interface HeldBackPage {
  rows: readonly ConversationRow[];
  draftKey: string;
  /** A model is there to send to. */
  canSend: boolean;
  onSend: (text: string, clientRequestId: string) => void;
}

/** Returns what holds the composer's text back until the last reply has ended. */
export function useHeldBack({ rows, draftKey, canSend, onSend }: HeldBackPage): () => void {
  const { heldBack } = useDraft(draftKey);
  const last = rows.at(-1);

  useEffect(() => {
    if (heldBack === undefined || last === undefined || !canSend) return;
    const draft = drafts.get(draftKey);
    // An effect may run twice for one render, and the first has sent it by then.
    if (draft.heldBack !== heldBack) return;
    const outcome = outcomeOf(last, heldBack.replyKey);
    if (outcome.kind === "send") onSend(draft.text.trim(), heldBack.clientRequestId);
    else if (outcome.kind === "keep") drafts.reportProblem(draftKey, outcome.why);
  }, [heldBack, draftKey, last, canSend, onSend]);

  return () => {
    if (last !== undefined) drafts.holdBack(draftKey, last.key);
  };
}

type Outcome = { kind: "wait" } | { kind: "send" } | { kind: "keep"; why: string };

/** What becomes of a text that waits for the reply with this key, by what stands last in the chat. */
function outcomeOf(last: ConversationRow, replyKey: string): Outcome {
  if (last.key !== replyKey) return keep("The chat has gone on in the meantime.");
  const end = last.kind === "reply" && last.reply !== null ? endState(last.reply.status) : null;
  switch (end) {
    case null:
      return { kind: "wait" };
    case "complete":
    // Whoever stops a reply with a text waiting wants that text to be next.
    case "stopped":
      return { kind: "send" };
    case "failed":
    case "interrupted":
      return keep("The reply before it did not come to its end.");
    default:
      return end satisfies never;
  }
}

function keep(reason: string): Outcome {
  return { kind: "keep", why: `Not sent: ${reason} Your text is kept; send it when you are ready.` };
}
