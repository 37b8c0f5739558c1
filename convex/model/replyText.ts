/**
 * The text of messages, in numbered parts: written whole when a message is sent, moved from a reply's streams when
 * its run ends or grows long. What of a reply is not in parts yet is read from its streams, behind them.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { hasEnded } from "../shared/streamEvents.ts";
import { readStreams, streamRows } from "./replyStreams.ts";
import type { StreamRow } from "./replyStreams.ts";
import { bytePieces, endWithin } from "./textPieces.ts";

/** UTF-8 bytes, below the megabyte that a document may have. */
export const maxPartBytes = 900_000;

/** A reply of forty-five million bytes: more than a function may read or answer. */
const maxParts = 50;

/** The text of a new message. An empty one has one part as well: it is there, and empty. */
export async function storeText(ctx: MutationCtx, messageId: Id<"messages">, text: string): Promise<void> {
  if ((await storeParts(ctx, messageId, 0, text)) === 0) {
    await ctx.db.insert("messageTexts", { messageId, part: 0, text: "" });
  }
}

/** Stores text as the parts from number `first` on. Answers how many that are. */
export async function storeParts(
  ctx: MutationCtx,
  messageId: Id<"messages">,
  first: number,
  text: string,
): Promise<number> {
  let count = 0;
  for (const partText of bytePieces(text, maxPartBytes)) {
    await ctx.db.insert("messageTexts", { messageId, part: first + count, text: partText });
    count += 1;
  }
  return count;
}

/** The text of a message that is whole; null for a reply whose run has not ended. */
export async function storedText(
  ctx: QueryCtx | MutationCtx,
  messageId: Id<"messages">,
): Promise<string | null> {
  const message = await ctx.db.get("messages", messageId);
  const isGrowing = message?.reply && !hasEnded(message.reply.status);
  return message === null || isGrowing ? null : await currentText(ctx, message);
}

/** All that is persisted of a message, whether its run has ended or not. */
export async function currentText(ctx: QueryCtx | MutationCtx, message: Doc<"messages">): Promise<string> {
  const parts = await ctx.db
    .query("messageTexts")
    .withIndex("by_message", (q) => q.eq("messageId", message._id))
    .take(maxParts);
  const stored = parts.map((part) => part.text).join("");
  if (message.reply === null) {
    return stored;
  }
  const rows = await streamRows(ctx, message._id);
  const unsealed = rows.filter((row) => !isInParts(row, parts.length > 0));
  return stored + (await readStreams(ctx, unsealed));
}

/**
 * The last `length` units of what is persisted of a message, or all of it where that is less. Reads little more than it
 * answers: all of a long text may be more than one transaction may read.
 */
export async function endOfText(
  ctx: QueryCtx | MutationCtx,
  message: Doc<"messages">,
  length: number,
): Promise<string> {
  const partsFromTheLast = () =>
    ctx.db
      .query("messageTexts")
      .withIndex("by_message", (q) => q.eq("messageId", message._id))
      .order("desc");
  let text = "";
  if (message.reply !== null) {
    const hasParts = (await partsFromTheLast().first()) !== null;
    const rows = await streamRows(ctx, message._id);
    const unsealed = rows.filter((row) => !isInParts(row, hasParts));
    for (let row = unsealed.pop(); row !== undefined && text.length < length; row = unsealed.pop()) {
      text = (await readStreams(ctx, [row])) + text;
    }
  }
  if (text.length < length) {
    for await (const part of partsFromTheLast()) {
      text = part.text + text;
      if (text.length >= length) {
        break;
      }
    }
  }
  return endWithin(text, length);
}

/** In an older version a reply was stored whole, at its end, and its streams without a mark. */
function isInParts({ isSealed }: StreamRow, hasParts: boolean): boolean {
  return isSealed ?? hasParts;
}

/** Deletes the first part of a message's text and answers its UTF-16 units; null when none is left. */
export async function removeTextPart(ctx: MutationCtx, messageId: Id<"messages">): Promise<number | null> {
  const part = await ctx.db
    .query("messageTexts")
    .withIndex("by_message", (q) => q.eq("messageId", messageId))
    .first();
  if (part === null) {
    return null;
  }
  await ctx.db.delete("messageTexts", part._id);
  return part.text.length;
}
