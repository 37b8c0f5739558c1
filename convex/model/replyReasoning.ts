/**
 * What a model thought before and between the words of a reply, kept apart from the text. Owns the rows: a thought
 * grows in its row until that is full or the next thought stands elsewhere in the text.
 */
import { v } from "convex/values";
import type { Infer } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { readableChat } from "./access.ts";
import { appError } from "./appError.ts";
import { cutAt, pieces } from "./textPieces.ts";

/** UTF-16 units of a row, which is rewritten by each flush that it has room for. */
const maxPartLength = 8_000;

/** Rows that one query reads: eight hundred thousand units at most. */
const maxPartsRead = 100;

/** A thought, or the next stretch of one, with its place: the offset in the reply's text where it stands. */
export const thoughtValidator = v.object({ place: v.number(), text: v.string() });
type Thought = Infer<typeof thoughtValidator>;

/** Thoughts that begin at offset `from` of the reasoning, as the last call of a run carries them. */
export const lastThoughtsValidator = v.object({ from: v.number(), thoughts: v.array(thoughtValidator) });
export type LastThoughts = Infer<typeof lastThoughtsValidator>;

export const reasoningValidator = v.object({
  /** Neighbours differ in `place`; `from` is the offset in the whole reasoning. */
  thoughts: v.array(v.object({ place: v.number(), from: v.number(), text: v.string() })),
  /**
   * The last row that was read: its number, and the offset of what stands in it. All before it is final, so whoever
   * follows the reasoning asks from there on.
   */
  next: v.object({ part: v.number(), from: v.number() }),
  /** There is more than one query may answer: ask from `next` on. */
  isTruncated: v.boolean(),
});

type Part = Doc<"reasonings">;

/**
 * Writes what is new of `thoughts`, which begin at offset `from` of the reasoning. What is there already is
 * acknowledged, so a flush may be sent again, longer than before. Throws `internal` for a gap.
 */
export async function appendReasoning(
  ctx: MutationCtx,
  run: Doc<"runs">,
  from: number,
  thoughts: Thought[],
): Promise<void> {
  let last = await lastPart(ctx, run.streamId);
  const length = endOf(last);
  if (from > length) {
    throw appError({
      kind: "internal",
      message: `The reasoning for offset ${from} was refused: only ${length} units are persisted.`,
    });
  }
  const wasEmpty = last === null;
  let known = length - from;
  for (const { place, text } of thoughts) {
    last = await writeThought(ctx, run, last, { place, text: text.slice(known) });
    known = Math.max(0, known - text.length);
  }
  if (wasEmpty && last !== null) {
    await showThatThereIsReasoning(ctx, run);
  }
}

/** In a transaction of its own inside this one: a reply whose text is safe ends without its last thoughts rather than not. */
export async function keepLastThoughts(
  ctx: MutationCtx,
  { _id, token }: Doc<"runs">,
  reasoning: LastThoughts | null,
): Promise<void> {
  if (reasoning === null || token === null) {
    return;
  }
  try {
    await ctx.runMutation(internal.reasoning.append, { token, ...reasoning });
  } catch (error) {
    console.error(`The last thoughts of the run ${_id} could not be stored; its text is whole.`, error);
  }
}

/** UTF-16 units of reasoning that are persisted for the reply. */
export async function reasoningLength(ctx: QueryCtx | MutationCtx, streamId: string): Promise<number> {
  return endOf(await lastPart(ctx, streamId));
}

/** From row `fromPart` on. Null where there is none, and for a reply that the user may not read. */
export async function readableReasoning(
  ctx: QueryCtx,
  streamId: string,
  fromPart: number,
): Promise<Infer<typeof reasoningValidator> | null> {
  const first = await ctx.db
    .query("reasonings")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .first();
  if (first === null || (await readableChat(ctx, first.chatId)) === null) {
    return null;
  }
  const parts = await ctx.db
    .query("reasonings")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId).gte("part", fromPart))
    .take(maxPartsRead + 1);
  const read = parts.slice(0, maxPartsRead);
  const last = read.at(-1);
  if (last === undefined) {
    return null;
  }
  const next = { part: last.part, from: last.from };
  return { thoughts: joined(read), next, isTruncated: parts.length > maxPartsRead };
}

/** Deletes one row of a reply's reasoning. Answers how many units it held; null when there is none left. */
export async function removeReasoningPart(ctx: MutationCtx, streamId: string): Promise<number | null> {
  const part = await lastPart(ctx, streamId);
  if (part === null) {
    return null;
  }
  await ctx.db.delete("reasonings", part._id);
  return part.text.length;
}

async function lastPart(ctx: QueryCtx | MutationCtx, streamId: string): Promise<Part | null> {
  return await ctx.db
    .query("reasonings")
    .withIndex("by_stream", (q) => q.eq("streamId", streamId))
    .order("desc")
    .first();
}

function endOf(part: Part | null): number {
  return part === null ? 0 : part.from + part.text.length;
}

/** Answers the part that is the last one now. */
async function writeThought(
  ctx: MutationCtx,
  { streamId, messageId, chatId }: Doc<"runs">,
  last: Part | null,
  { place, text }: Thought,
): Promise<Part | null> {
  const added = last?.place === place ? cutAt(text, maxPartLength - last.text.length) : "";
  let newest = last;
  if (newest !== null && added !== "") {
    newest = { ...newest, text: newest.text + added };
    await ctx.db.patch("reasonings", newest._id, { text: newest.text });
  }
  for (const piece of pieces(text.slice(added.length), maxPartLength)) {
    const part = newest === null ? 0 : newest.part + 1;
    const row = { streamId, messageId, chatId, part, place, from: endOf(newest), text: piece };
    const _id = await ctx.db.insert("reasonings", row);
    newest = { ...row, _id, _creationTime: Date.now() };
  }
  return newest;
}

/** Once for each reply, so that readers know what they may ask for. */
async function showThatThereIsReasoning(ctx: MutationCtx, run: Doc<"runs">): Promise<void> {
  const message = await ctx.db.get("messages", run.messageId);
  if (message?.reply) {
    await ctx.db.patch("messages", run.messageId, { reply: { ...message.reply, hasReasoning: true } });
  }
}

function joined(parts: Part[]): Infer<typeof reasoningValidator>["thoughts"] {
  const thoughts: Infer<typeof reasoningValidator>["thoughts"] = [];
  for (const { place, from, text } of parts) {
    const last = thoughts.at(-1);
    if (last?.place === place) {
      last.text += text;
    } else {
      thoughts.push({ place, from, text });
    }
  }
  return thoughts;
}
