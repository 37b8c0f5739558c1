/**
 * The text of messages: stored whole when a message is sent or its run ends, read from the streams until
 * then.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { hasEnded } from "../shared/streamEvents.ts";
import type { RunStatus } from "../shared/streamEvents.ts";
import { readStreams } from "./replyStreams.ts";
import { pieces } from "./textPieces.ts";

/** UTF-16 units: at three bytes each 900 kB, below the megabyte a document may have. */
const partLength = 300_000;

/** A reply of fifteen million units would not fit into the arguments of the mutation that stores it. */
const maxParts = 50;

/** An empty text has one row as well: it is there, and empty. */
export async function storeText(ctx: MutationCtx, messageId: Id<"messages">, text: string): Promise<void> {
  const parts = text === "" ? [""] : pieces(text, partLength);
  let part = 0;
  for (const partText of parts) {
    await ctx.db.insert("messageTexts", { messageId, part, text: partText });
    part += 1;
  }
}

/** The stored text; null for a reply whose run has not ended. */
export async function storedText(
  ctx: QueryCtx | MutationCtx,
  messageId: Id<"messages">,
): Promise<string | null> {
  const parts = await ctx.db
    .query("messageTexts")
    .withIndex("by_message", (q) => q.eq("messageId", messageId))
    .take(maxParts);
  return parts.length === 0 ? null : parts.map((part) => part.text).join("");
}

/** All that is persisted of a message, whether its run has ended or not. */
export async function currentText(ctx: QueryCtx | MutationCtx, message: Doc<"messages">): Promise<string> {
  if (message.reply === null || hasEnded(message.reply.status)) {
    return (await storedText(ctx, message._id)) ?? "";
  }
  return await readStreams(ctx, message._id);
}

/** The status in the words of the component, whose hook reads it. */
export function bodyStatus(status: RunStatus): "pending" | "streaming" | "done" | "error" {
  switch (status) {
    case "queued":
      return "pending";
    case "running":
    case "recovering":
      return "streaming";
    case "complete":
    case "stopped":
      return "done";
    case "failed":
    case "interrupted":
      return "error";
    default:
      return status satisfies never;
  }
}

export async function removeText(ctx: MutationCtx, messageId: Id<"messages">): Promise<void> {
  const parts = await ctx.db
    .query("messageTexts")
    .withIndex("by_message", (q) => q.eq("messageId", messageId))
    .take(maxParts);
  for (const part of parts) {
    await ctx.db.delete("messageTexts", part._id);
  }
}
