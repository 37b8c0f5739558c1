/**
 * The component streams that hold a reply's text while it grows. A reply starts with one and rotates to the
 * next by size and age: reading a stream costs as much as it holds, and the component ends any stream twenty
 * minutes after it was made.
 */
import { PersistentTextStreaming } from "@convex-dev/persistent-text-streaming";
import type { StreamId } from "@convex-dev/persistent-text-streaming";
import { components } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { byteLength, bytePieces } from "./textPieces.ts";

const streaming = new PersistentTextStreaming(components.persistentTextStreaming);
const streamFunctions = components.persistentTextStreaming.lib;

/** UTF-8 bytes: a stream never holds more. */
export const maxStreamBytes = 32_000;
const rotateAfterMs = 10 * 60_000;

/** Enough for a reply of sixteen megabytes, in streams that are half full; a bound, not an expectation. */
const maxStreamsPerReply = 1_000;

export type OpenStream = Doc<"runs">["openStream"];

export type StreamRow = Doc<"replyStreams">;

type Writer = Pick<Doc<"runs">, "chatId" | "messageId" | "openStream">;

export interface WrittenStream {
  openStream: OpenStream;
  /** UTF-8 bytes that the open stream holds. */
  streamBytes: number;
}

/** Makes a component stream that belongs to nobody yet: `nameStream` gives it to its reply. */
export async function createStream(ctx: MutationCtx): Promise<string> {
  return await streaming.createStream(ctx);
}

/** Maps a component stream to its reply, as number `index`. */
export async function nameStream(
  ctx: MutationCtx,
  reply: { chatId: Id<"chats">; messageId: Id<"messages"> },
  streamId: string,
  index: number,
): Promise<void> {
  await ctx.db.insert("replyStreams", { ...reply, streamId, index, isStored: true, isSealed: false });
}

/**
 * Ends the open stream and opens the one after it, which begins at offset `from`: what is persisted is before
 * it.
 */
export async function openNextStream(
  ctx: MutationCtx,
  run: Writer,
  from: number,
  closedAs: "done" | "error",
): Promise<OpenStream> {
  await closeStream(ctx, run, closedAs);
  const streamId = await createStream(ctx);
  const index = run.openStream.index + 1;
  await nameStream(ctx, { chatId: run.chatId, messageId: run.messageId }, streamId, index);
  return { streamId, index, from, openedAt: Date.now() };
}

export async function closeStream(
  ctx: MutationCtx,
  run: Pick<Writer, "openStream">,
  status: "done" | "error",
): Promise<void> {
  await ctx.runMutation(streamFunctions.setStreamStatus, { streamId: run.openStream.streamId, status });
}

/**
 * Adds text at offset `from`, to a new stream whenever the open one would hold too much or is old. Answers where
 * the next text goes.
 */
export async function appendToStreams(
  ctx: MutationCtx,
  { chatId, messageId, openStream }: Writer,
  { from, streamBytes }: { from: number; streamBytes: number },
  text: string,
): Promise<WrittenStream> {
  const written = { openStream, streamBytes };
  let offset = from;
  for (const chunk of bytePieces(text, maxStreamBytes)) {
    const bytes = byteLength(chunk);
    if (written.streamBytes + bytes > maxStreamBytes || isOld(written.openStream)) {
      const writer = { chatId, messageId, openStream: written.openStream };
      written.openStream = await openNextStream(ctx, writer, offset, "done");
      written.streamBytes = 0;
    }
    const { streamId } = written.openStream;
    await ctx.runMutation(streamFunctions.addChunk, { streamId, text: chunk, final: false });
    written.streamBytes += bytes;
    offset += chunk.length;
  }
  return written;
}

/** Old enough to be left before the component ends it. */
export function isOld(stream: OpenStream): boolean {
  return Date.now() - stream.openedAt >= rotateAfterMs;
}

/** The rows of a reply's streams, in order, from number `first` on. */
export async function streamRows(
  ctx: QueryCtx | MutationCtx,
  messageId: Id<"messages">,
  first = 0,
  limit = maxStreamsPerReply,
): Promise<StreamRow[]> {
  return await ctx.db
    .query("replyStreams")
    .withIndex("by_message", (q) => q.eq("messageId", messageId).gte("index", first))
    .take(limit);
}

/** The text in those of the streams that are still there. */
export async function readStreams(ctx: QueryCtx | MutationCtx, rows: StreamRow[]): Promise<string> {
  const bodies = await Promise.all(
    rows.filter((row) => row.isStored).map((row) => streaming.getStreamBody(ctx, row.streamId as StreamId)),
  );
  return bodies.map((body) => body.text).join("");
}

/**
 * Deletes up to `limit` of a reply's component streams with their rows, the last first. With `keepName` the
 * row of index 0 stays, so that the reply's stream id goes on answering. Says whether all are gone.
 */
export async function removeStreams(
  ctx: MutationCtx,
  messageId: Id<"messages">,
  { keepName, limit }: { keepName: boolean; limit: number },
): Promise<boolean> {
  const rows = await ctx.db
    .query("replyStreams")
    .withIndex("by_message", (q) => q.eq("messageId", messageId))
    .order("desc")
    .take(limit);
  for (const row of rows) {
    if (row.isStored) {
      await streaming.deleteStream(ctx, row.streamId as StreamId);
    }
    if (row.index === 0 && keepName) {
      await ctx.db.patch("replyStreams", row._id, { isStored: false });
    } else {
      await ctx.db.delete("replyStreams", row._id);
    }
  }
  return rows.length < limit;
}
