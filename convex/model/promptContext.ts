/**
 * What a model is given: the path of the tree that leads to the reply, and the way on from a text that broke
 * off.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { maxPromptLength } from "../shared/promptLength.ts";
import { endOfText } from "./replyText.ts";
import { endWithin } from "./textPieces.ts";

export interface PromptTurn {
  role: "user" | "assistant";
  text: string;
}

/** A bound on reads; longer conversations are cut at the front by their length long before. */
const maxTurns = 500;

/**
 * UTF-16 units a token stands for, on the careful side for prose; half of the window stays free for the
 * answer.
 */
const unitsPerToken = 3;
const promptShare = 0.5;

/** Of the prompt, at most, for the beginning of the reply itself; the rest is for what it answers. */
const persistedShare = 0.5;

/**
 * The newest models refuse to go on from an assistant turn, so the request to go on is a turn of the user's.
 */
const continueRequest =
  "Your last answer broke off. Continue it exactly where it ends: do not repeat any of it, add no introduction and do " +
  "not mention the interruption.";

/**
 * The turns that lead to `reply`, oldest first, as many as fit a window of `contextTokens`. A `persistedText`
 * that is not empty is the beginning of the reply itself, and the model is asked to go on from there; of a long one it
 * is given the end.
 */
export async function promptContext(
  ctx: MutationCtx,
  reply: Doc<"messages">,
  contextTokens: number,
  persistedText: string,
): Promise<PromptTurn[]> {
  const budget = contextTokens * promptShare * unitsPerToken;
  const broken = endWithin(persistedText, Math.floor(budget * persistedShare));
  const turns = await turnsUpTo(ctx, reply.parentId, budget - broken.length);
  if (broken === "") {
    return turns;
  }
  return [...turns, { role: "assistant", text: broken }, { role: "user", text: continueRequest }];
}

/** The newest turn is always in, however long; the first one is the user's. */
async function turnsUpTo(
  ctx: MutationCtx,
  newest: Id<"messages"> | null,
  budget: number,
): Promise<PromptTurn[]> {
  const turns: PromptTurn[] = [];
  let length = 0;
  let nextId = newest;
  while (nextId !== null && turns.length < maxTurns) {
    const message: Doc<"messages"> | null = await ctx.db.get("messages", nextId);
    if (message === null) {
      break;
    }
    const room = turns.length === 0 ? maxPromptLength : Math.max(0, budget - length);
    // One unit more than there is room for shows that the turn is too long, without reading all of it.
    const text = await endOfText(ctx, message, room + 1);
    length += text.length;
    if (turns.length > 0 && text.length > room) {
      break;
    }
    if (text !== "") {
      turns.push({ role: message.role, text });
    }
    nextId = message.parentId;
  }
  turns.reverse();
  const firstUserTurn = turns.findIndex((turn) => turn.role === "user");
  return firstUserTurn === -1 ? [] : turns.slice(firstUserTurn);
}
