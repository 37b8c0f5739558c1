/**
 * Some replies under convex-test, a few callers that claim, write, die and repeat themselves, and the rules that must
 * hold after each of their steps. The text of a reply is said by its offset, so that what is lost, doubled or out of
 * order shows in the text itself. Long, because steps and rules share what is known of each reply.
 */
import { inspect, isDeepStrictEqual } from "node:util";
import { vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import type { Doc } from "../../convex/_generated/dataModel.js";
import { appErrorOf } from "../../convex/model/appError.ts";
import { offerRunToServer, revokeRun, stopRun } from "../../convex/model/runLifecycle.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { append, bodyOf, claim, createBackend, createChat, rowsOf } from "./convexBackend.ts";

export const scenarioPlaces = 2;
export const scenarioReplies = 4;
const maxServerRuns = 4;

export type ScenarioStep =
  | { kind: "claim"; reply: number; driver: string | null; isRepeated: boolean }
  | { kind: "append"; reply: number; by: number; length: number; isAnswerLost: boolean }
  | { kind: "heartbeat"; reply: number; by: number; isRepeated: boolean }
  /** `length` is what no flush has: it comes with the call. */
  | { kind: "handOn"; reply: number; by: number; length: number; isRepeated: boolean }
  | {
      kind: "end";
      reply: number;
      by: number;
      length: number;
      /** The call carries the whole reply, and not only its end. */
      isWhole: boolean;
      status: "complete" | "stopped" | "failed";
      isRepeated: boolean;
    }
  | { kind: "stop" | "offer" | "startServer" | "remove"; reply: number }
  | { kind: "pass"; ms: number }
  | { kind: "reap" };

type PumpStep = Extract<ScenarioStep, { kind: "heartbeat" | "handOn" | "end" }>;

/** What a pump knows: which reply it writes, and how far it is acknowledged as far as it has heard. */
interface Pump {
  token: string;
  driver: string | null;
  /** The length of the reply when it was claimed. */
  began: number;
  heardLength: number;
}

interface Reply {
  chatId: string;
  messageId: string;
  streamId: string;
  pumps: Pump[];
  /** The pump of the last claim that was granted, until the run is taken from it. */
  holder: Pump | null;
  written: number;
  endedAs: string | null;
  /** The pump that ended it; null while it grows, and where it was ended without one. */
  endedBy: Pump | null;
  isRemoved: boolean;
  /** The state in which its readers were last looked at. */
  readAs: string;
}

interface Rows {
  runs: Doc<"runs">[];
  messages: Doc<"messages">[];
  tails: Doc<"tails">[];
  places: Doc<"runPlaces">[];
  queue: Doc<"serverQueue">[];
}

/** What the model says: four units at each fourth offset, an emoji among them. */
export function saidUpTo(length: number): string {
  let text = "";
  while (text.length < length) {
    text += `${text.length.toString(36).padStart(2, "0").slice(-2)}😀`;
  }
  return text.slice(0, length);
}

export class RunScenario {
  private readonly backend = createBackend();
  private readonly replies: Reply[] = [];
  private tokens = 0;

  static async begin(): Promise<RunScenario> {
    const scenario = new RunScenario();
    for (let index = 0; index < scenarioReplies; index++) {
      const { chatId, messageId, streamId } = await createChat(scenario.backend);
      const own = {
        pumps: [],
        holder: null,
        written: 0,
        endedAs: null,
        endedBy: null,
        isRemoved: false,
        readAs: "",
      };
      scenario.replies.push({ chatId, messageId, streamId, ...own });
    }
    return scenario;
  }

  async take(step: ScenarioStep): Promise<void> {
    switch (step.kind) {
      case "claim":
        await this.claim(this.reply(step.reply), "driver", step.driver, step.isRepeated);
        break;
      case "startServer":
        await this.claim(this.reply(step.reply), "server", null, false);
        break;
      case "append":
        await this.append(this.reply(step.reply), step.by, step.length * 4, step.isAnswerLost);
        break;
      case "heartbeat":
      case "handOn":
      case "end":
        await this.callAsPump(this.reply(step.reply), step);
        break;
      case "stop":
      case "offer":
      case "remove":
        await this.onRun(this.reply(step.reply), step.kind);
        break;
      case "pass":
        vi.setSystemTime(Date.now() + step.ms);
        break;
      case "reap":
        await this.backend.mutation(internal.runs.reap, {});
        break;
      default:
        step satisfies never;
    }
    await this.check();
  }

  /** Whatever is left is ended by the reaper alone, with no pump that answers: every state has a deadline. */
  async settle(): Promise<void> {
    for (
      let round = 0;
      !this.replies.every(({ isRemoved, endedAs }) => isRemoved || endedAs !== null);
      round++
    ) {
      holds(round < 30, true);
      for (const [reply] of this.replies.entries()) {
        await this.take({ kind: "startServer", reply });
      }
      await this.take({ kind: "pass", ms: 60_000 });
      await this.take({ kind: "reap" });
    }
    holds(await rowsOf(this.backend, "runPlaces"), []);
    holds(await rowsOf(this.backend, "serverQueue"), []);
  }

  private reply(index: number): Reply {
    return this.replies[index % this.replies.length]!;
  }

  private async claim(reply: Reply, by: "driver" | "server", driver: string | null, isRepeated: boolean) {
    const { streamId } = reply;
    const token = `token-${this.tokens++}`;
    const ask = async () =>
      await claim(this.backend, {
        streamId,
        token,
        by,
        ...(driver === null ? {} : { driverToken: driver }),
      });
    const answer = await outcomeOf(ask);
    if (answer.kind === "refused") {
      return;
    }
    holds(answer.value.persistedText, saidUpTo(reply.written));
    if (isRepeated) {
      holds(await outcomeOf(ask), answer);
    }
    if (reply.holder !== null) {
      // Only the driver whose own first request it was, and only before that one wrote anything.
      holds([driver, reply.written], [reply.holder.driver ?? "nobody", reply.holder.began]);
    }
    reply.holder = { token, driver, began: reply.written, heardLength: reply.written };
    reply.pumps.push(reply.holder);
  }

  private async append(reply: Reply, by: number, length: number, isAnswerLost: boolean) {
    const pump = pumpOf(reply, by);
    if (pump === null) {
      return;
    }
    const text = saidUpTo(pump.heardLength + length).slice(pump.heardLength);
    const answer = await outcomeOf(
      async () => await append(this.backend, pump.token, pump.heardLength, text),
    );
    if (answer.kind === "refused") {
      return;
    }
    holds(pump, reply.holder);
    reply.written = Math.max(reply.written, pump.heardLength + length);
    pump.heardLength = isAnswerLost ? pump.heardLength : reply.written;
  }

  private async callAsPump(reply: Reply, step: PumpStep) {
    const pump = pumpOf(reply, step.by);
    if (pump === null) {
      return;
    }
    const call = async () => await this.pumpCall(pump, step);
    const answer = await outcomeOf(call);
    const length = pump.heardLength + (step.kind === "heartbeat" ? 0 : step.length * 4);
    if (answer.kind === "granted" && reply.endedAs !== null) {
      const isSameEnd = step.kind === "end" && step.status === reply.endedAs && pump === reply.endedBy;
      holds(step.kind === "handOn" || isSameEnd, true);
    } else if (answer.kind === "granted" && (step.kind !== "handOn" || pump === reply.holder)) {
      holds(pump, reply.holder);
      holds(step.kind !== "end" || length >= reply.written, true);
      reply.written = Math.max(reply.written, length);
      reply.endedBy = step.kind === "end" ? pump : null;
    }
    if (answer.kind === "granted" && step.isRepeated) {
      holds(await outcomeOf(call), answer);
    }
  }

  private async pumpCall({ token, heardLength }: Pump, step: PumpStep) {
    if (step.kind === "heartbeat") {
      return await this.backend.mutation(internal.runs.heartbeat, { token });
    }
    const whole = saidUpTo(heardLength + step.length * 4);
    const rest = whole.slice(heardLength);
    if (step.kind === "handOn") {
      return await this.backend.mutation(internal.runs.handOn, { token, from: heardLength, text: rest });
    }
    const text = step.isWhole ? { text: whole } : { text: rest, length: whole.length };
    const last = { token, ...text, usage: null, costUsd: null };
    return step.status === "failed"
      ? await this.backend.mutation(internal.runs.fail, {
          ...last,
          error: { kind: "network", message: "Gone." },
        })
      : await this.backend.mutation(internal.runs.finish, {
          ...last,
          status: step.status,
          finishReason: null,
        });
  }

  private async onRun(reply: Reply, kind: "stop" | "offer" | "remove") {
    await this.backend.run(async (ctx) => {
      const run = await ctx.db
        .query("runs")
        .withIndex("by_stream", (q) => q.eq("streamId", reply.streamId))
        .unique();
      if (run === null) return;
      if (kind === "stop") await stopRun(ctx, run);
      if (kind === "offer") await offerRunToServer(ctx, run);
      // As the purge of its chat does.
      if (kind === "remove") {
        await revokeRun(ctx, run);
        await ctx.db.delete("runs", run._id);
        reply.isRemoved = true;
        reply.holder = null;
      }
    });
  }

  private async check(): Promise<void> {
    const rows = await this.rows();
    for (const reply of this.replies.filter(({ isRemoved }) => !isRemoved)) {
      await this.checkReply(reply, rows);
    }
    checkPlaces(rows);
  }

  private async rows(): Promise<Rows> {
    return await this.backend.run(async ({ db }) => ({
      runs: await db.query("runs").take(100),
      messages: await db.query("messages").take(100),
      tails: await db.query("tails").take(100),
      places: await db.query("runPlaces").take(100),
      queue: await db.query("serverQueue").take(100),
    }));
  }

  private async checkReply(reply: Reply, rows: Rows): Promise<void> {
    const run = rows.runs.find(({ streamId }) => streamId === reply.streamId)!;
    const shown = rows.messages.find(({ _id }) => _id === run.messageId)!.reply!;
    const tail = rows.tails.find(({ streamId }) => streamId === reply.streamId)!;
    const { status, attempt } = run;
    holds({ status: shown.status, attempt: shown.attempt }, { status, attempt });
    holds({ status: tail.status, attempt: tail.attempt }, { status, attempt });
    holds(tail.from + tail.flushes.join("").length, reply.written);
    holds(hasEnded(status), run.deadline === null);
    holds((run.deaths ?? 0) < 2, true);
    if (reply.endedAs !== null) {
      holds(status, reply.endedAs);
    }
    if (status !== "running") {
      reply.holder = null;
    }
    if (hasEnded(status) || status === "running") {
      holds(shown.waitsForPlace ?? false, false);
    }
    reply.endedAs = hasEnded(status) ? status : null;
    // Readers see what they saw as long as nothing of it was written.
    const state = JSON.stringify([run, tail, shown, reply.written]);
    if (state !== reply.readAs) {
      reply.readAs = state;
      await this.checkReaders(reply, hasEnded(status));
    }
  }

  private async checkReaders({ chatId, messageId, streamId, written }: Reply, isEnded: boolean) {
    const text = saidUpTo(written);
    holds((await bodyOf(this.backend, streamId)).text, text);
    const stored = await this.backend.query(api.messages.getText, { messageId });
    holds(stored, isEnded ? { text } : null);
    const chat = await this.backend.query(api.chats.getChat, { chatId });
    holds(chat?.status, isEnded ? "idle" : "replying");
  }
}

/** Whoever runs has a place and nobody else, but for those whose action the queue has started; none stays empty. */
function checkPlaces({ runs, places, queue }: Rows): void {
  const started = queue.filter(({ state }) => state === "started");
  const waiting = queue.filter(({ state }) => state === "waiting");
  const running = runs.filter(({ status }) => status === "running").map(({ _id }) => _id);
  const entitled = new Set([...running, ...started.map(({ runId }) => runId)]);
  holds(new Set(places.map(({ runId }) => runId)), entitled);
  holds(places.length, entitled.size);
  holds(new Set(places.map(({ number }) => number)).size, places.length);
  holds(places.length <= scenarioPlaces, true);
  const live = new Set(runs.filter(({ status }) => !hasEnded(status)).map(({ _id }) => _id));
  holds(
    queue.every(({ runId }) => live.has(runId)),
    true,
  );
  holds(
    waiting.every(({ runId }) => !running.includes(runId)),
    true,
  );
  const isFull = places.length === scenarioPlaces || started.length === maxServerRuns;
  holds(waiting.length === 0 || isFull, true);
}

/** Throws unless the two are the same: a rule was broken, which the stack names. */
function holds(seen: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(seen, wanted)) {
    throw new Error(`A rule is broken: ${inspect(seen)} instead of ${inspect(wanted)}.`);
  }
}

function pumpOf({ pumps }: Reply, by: number): Pump | null {
  return pumps[by % Math.max(1, pumps.length)] ?? null;
}

/** A refusal is an answer as well; anything else that is thrown is a fault. */
async function outcomeOf<Value>(call: () => Promise<Value>) {
  try {
    return { kind: "granted" as const, value: await call() };
  } catch (thrown) {
    const error = appErrorOf(thrown);
    if (error === null) {
      throw thrown;
    }
    return { kind: "refused" as const, error: error.kind };
  }
}
