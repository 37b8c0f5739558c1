/** Other versions of messages and replies: choosing among those that are there, and asking for new ones. */
import { useConvex } from "convex/react";
import { useLayoutEffect, useMemo, useRef } from "react";
import { rememberContinued } from "../sending/continuedReplies.ts";
import { sendTurn } from "../sending/sendTurn.ts";
import type { NewTurn } from "../sending/turnRequest.ts";
import { chosenVersions } from "./chosenVersions.ts";
import type { ConversationTree, ReplyRow, UserRow } from "./conversationRows.ts";
import { chooseVersion } from "./messageTree.ts";

export interface VersionControl {
  /** Shows the version with this id of those at the same place. */
  show: (id: string) => void;
  edit: (row: UserRow, text: string) => void;
  regenerate: (row: ReplyRow) => void;
  continueReply: (row: ReplyRow) => void;
}

interface VersionedPage {
  chatId: string | null;
  tree: ConversationTree;
  /** Null leaves the choice to the server. */
  model: string | null;
  /** Called when the person asked for a new version, which is on the screen then. */
  onAsked: () => void;
}

/**
 * Null on a page whose chat the server does not have yet: there is nothing to choose and nothing to change. The same for
 * as long as the chat is: each change of the tree would otherwise render every row of it again.
 */
export function useVersions({ chatId, tree, model, onAsked }: VersionedPage): VersionControl | null {
  const convex = useConvex();
  const latest = useRef({ tree, model });
  useLayoutEffect(() => {
    latest.current = { tree, model };
  }, [tree, model]);
  return useMemo(() => {
    if (chatId === null) return null;
    const ask = (turn: NewTurn, place: string) => {
      const earlierChoice = followNewest(chatId, place);
      const { result } = sendTurn(convex, turn, { chatId });
      void result.then((outcome) => {
        // What was refused leaves the person with the version that was shown before.
        if (outcome.kind === "failed" && earlierChoice !== undefined) choose(chatId, place, earlierChoice);
      });
      onAsked();
    };
    const chosenModel = () => ({ model: latest.current.model ?? undefined });
    return {
      show: (id) => {
        const { tree: known } = latest.current;
        const version = known.find((row) => row.id === id);
        if (version === undefined) return;
        chosenVersions.set(chatId, chooseVersion(known, chosenVersions.of(chatId), version));
      },
      edit: ({ messageId, versions }, text) => {
        if (messageId !== null) ask({ kind: "edit", messageId, text, ...chosenModel() }, versions.place);
      },
      regenerate: ({ messageId, versions }) => {
        if (messageId !== null) ask({ kind: "regenerate", messageId, ...chosenModel() }, versions.place);
      },
      continueReply: ({ messageId, reply, versions }) => {
        if (messageId === null || reply === null) return;
        rememberContinued(messageId, reply.streamId);
        ask({ kind: "continue", messageId, ...chosenModel() }, versions.place);
      },
    };
  }, [convex, chatId, onAsked]);
}

/** Lets the newest version at a place be shown, as the one that is asked for will be; returns what was chosen there. */
function followNewest(chatId: string, place: string): string | undefined {
  const chosen = new Map(chosenVersions.of(chatId));
  const earlier = chosen.get(place);
  if (chosen.delete(place)) chosenVersions.set(chatId, chosen);
  return earlier;
}

function choose(chatId: string, place: string, id: string): void {
  chosenVersions.set(chatId, new Map(chosenVersions.of(chatId)).set(place, id));
}
