/**
 * The chats that this tab has deleted and may still bring back, outside React: a deletion outlives the list it was
 * asked for in.
 *
 *   delete ──> deleting ──> deleted ──(undo)──> restoring ──> (gone from here, back in the list)
 *                 └──> deleteFailed    └──(let go)──> forgotten     └──> restoreFailed
 */
import type { ConvexReactClient } from "convex/react";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import { refusalOf } from "../describeError.ts";
import { drafts } from "../sending/drafts.ts";

export interface ChatDeletion {
  chatId: Id<"chats">;
  title: string;
  /** Its page was on the screen, so an undo opens it again. */
  wasOpen: boolean;
  status: "deleting" | "deleted" | "restoring" | "deleteFailed" | "restoreFailed";
  /** Why the last step failed, and whether trying again may help. */
  problem: { message: string; mayRetry: boolean } | null;
}

type Target = Pick<ChatDeletion, "chatId" | "title" | "wasOpen">;

export class ChatDeletions {
  private deletions: readonly ChatDeletion[] = [];
  /** What stood in the composers of deleted chats; an undo puts it back. */
  private readonly draftTexts = new Map<string, string>();
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Oldest first; the same array until something changes. */
  getAll = (): readonly ChatDeletion[] => this.deletions;

  /** Deletes at once; a second call for the same chat tries again. Without a network it is done when there is one. */
  delete(convex: ConvexReactClient, target: Target): void {
    this.put({ ...target, status: "deleting", problem: null });
    convex.mutation(api.chats.deleteChat, { chatId: target.chatId }).then(
      () => {
        this.takeDraft(target.chatId);
        this.moveOn(target.chatId, "deleting", { status: "deleted" });
      },
      (error: unknown) => {
        const problem = describeFailure(error, true);
        this.moveOn(target.chatId, "deleting", { status: "deleteFailed", problem });
      },
    );
  }

  /** Also while the deletion is on its way: the deployment takes the two in order. */
  restore(convex: ConvexReactClient, chatId: Id<"chats">): Promise<void> {
    this.change(chatId, { status: "restoring", problem: null });
    return convex.mutation(api.chats.restoreChat, { chatId }).then(
      () => {
        this.giveDraftBack(chatId);
        if (this.statusOf(chatId) === "restoring") this.remove(chatId);
      },
      (error: unknown) => {
        const problem = describeFailure(error, false);
        this.moveOn(chatId, "restoring", { status: "restoreFailed", problem });
      },
    );
  }

  /** The person or the clock lets the undo go. */
  letGo(chatId: Id<"chats">): void {
    this.draftTexts.delete(chatId);
    this.remove(chatId);
  }

  private takeDraft(chatId: string): void {
    const { text } = drafts.get(chatId);
    if (text === "") return;
    this.draftTexts.set(chatId, text);
    drafts.write(chatId, "");
  }

  private giveDraftBack(chatId: string): void {
    const text = this.draftTexts.get(chatId);
    this.draftTexts.delete(chatId);
    if (text !== undefined) drafts.giveBack(chatId, text, null);
  }

  /** Only from the status it was in: the person may have gone on meanwhile. */
  private moveOn(chatId: string, from: ChatDeletion["status"], change: Partial<ChatDeletion>): void {
    if (this.statusOf(chatId) === from) this.change(chatId, change);
  }

  private statusOf(chatId: string): ChatDeletion["status"] | undefined {
    return this.deletions.find((deletion) => deletion.chatId === chatId)?.status;
  }

  private change(chatId: string, change: Partial<ChatDeletion>): void {
    this.replace(
      this.deletions.map((deletion) => (deletion.chatId === chatId ? { ...deletion, ...change } : deletion)),
    );
  }

  private put(deletion: ChatDeletion): void {
    this.replace([...this.deletions.filter(({ chatId }) => chatId !== deletion.chatId), deletion]);
  }

  private remove(chatId: string): void {
    this.replace(this.deletions.filter((deletion) => deletion.chatId !== chatId));
  }

  private replace(deletions: readonly ChatDeletion[]): void {
    this.deletions = deletions;
    for (const listener of this.listeners) listener();
  }
}

/** What the server refused will be refused again, unless `alwaysRetry`. */
function describeFailure(error: unknown, alwaysRetry: boolean): NonNullable<ChatDeletion["problem"]> {
  const refusal = refusalOf(error);
  return {
    message: refusal ?? "Something went wrong on the server.",
    mayRetry: alwaysRetry || refusal === null,
  };
}

export const chatDeletions = new ChatDeletions();
