/**
 * How many runs go on at once. Each live connection holds one of the actions that a deployment runs side by side;
 * beyond them whoever calls is kept waiting and then turned away, the finish of a reply as well as a new one. So a run
 * takes one of a fixed number of numbered places when it begins and leaves it when it ends, dies or is handed on.
 *
 * A place is looked for by its number and not by counting, so that two runs that begin at once seldom read what the
 * other writes. No flush touches a place.
 */
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { whereVariablesAre } from "../shared/whereVariablesAre.ts";
import { appError } from "./appError.ts";

/** Convex runs 64 actions side by side: the rest stays free for what is short. */
const defaultPlaces = 48;

/** A claim may have to look at all of them. */
const maxPlaces = 512;

/** Places tried blindly before all are looked at. */
const blindTries = 3;

/** The number of places. Throws `internal` for a value of MAX_CONCURRENT_RUNS that is none. */
export function maxConcurrentRuns(env: Readonly<Record<string, string | undefined>>): number {
  const value = env["MAX_CONCURRENT_RUNS"]?.trim() ?? "";
  if (value === "") {
    return defaultPlaces;
  }
  const places = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(places >= 1 && places <= maxPlaces)) {
    const message =
      `MAX_CONCURRENT_RUNS is ${value}, which is not a whole number from 1 to ${maxPlaces}. ` +
      `Set it ${whereVariablesAre}, or remove it for ${defaultPlaces}.`;
    throw appError({ kind: "internal", message });
  }
  return places;
}

/** Gives the run a place unless it has one. Says whether it has one now. */
export async function takePlace(ctx: MutationCtx, runId: Id<"runs">, places: number): Promise<boolean> {
  if ((await placeOf(ctx, runId)) !== null) {
    return true;
  }
  const number = await freePlace(ctx, places);
  if (number !== null) {
    await ctx.db.insert("runPlaces", { runId, number });
  }
  return number !== null;
}

/** Gives the run's place back, if it has one. */
export async function leavePlace(ctx: MutationCtx, runId: Id<"runs">): Promise<void> {
  const place = await placeOf(ctx, runId);
  if (place !== null) {
    await ctx.db.delete("runPlaces", place._id);
  }
}

export async function isFull(ctx: MutationCtx, places: number): Promise<boolean> {
  return (await freePlace(ctx, places)) === null;
}

async function placeOf(ctx: MutationCtx, runId: Id<"runs">) {
  return await ctx.db
    .query("runPlaces")
    .withIndex("by_run", (q) => q.eq("runId", runId))
    .unique();
}

/** The number of a place that nobody has; null if all are taken. */
async function freePlace(ctx: MutationCtx, places: number): Promise<number | null> {
  for (let tries = 0; tries < blindTries; tries++) {
    const number = Math.floor(Math.random() * places);
    const taken = await ctx.db
      .query("runPlaces")
      .withIndex("by_number", (q) => q.eq("number", number))
      .first();
    if (taken === null) {
      return number;
    }
  }
  const rows = await ctx.db
    .query("runPlaces")
    .withIndex("by_number", (q) => q.lt("number", places))
    .take(places);
  const taken = new Set(rows.map((row) => row.number));
  const free = Array.from({ length: places }, (_, number) => number).filter((number) => !taken.has(number));
  return free[Math.floor(Math.random() * free.length)] ?? null;
}
