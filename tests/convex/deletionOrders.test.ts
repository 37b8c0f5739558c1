/** Any order of deleting, restoring, purging and a run's own events: either all of the chat is there, or nothing. */
import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";
import { appErrorOf } from "../../convex/model/appError.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import {
  append,
  claim,
  componentRowCounts,
  createBackend,
  createChat,
  fail,
  finish,
  noRows,
  pass,
  rowCounts,
  rowsOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

// A fault: every action of the server dies before it claims. The runs are claimed by the commands below.
vi.mock("../../convex/serverRuns.ts", async () => {
  const { internalActionGeneric } = await import("convex/server");
  return { produce: internalActionGeneric({ handler: () => Promise.resolve(null) }) };
});

const undoMs = 30_000;

const steps = [
  "send",
  "regenerate",
  "claim",
  "flush",
  "complete",
  "stopped",
  "failed",
  "stop",
  "leaveToServer",
  "die",
  "removeLeftovers",
  "delete",
  "restore",
  "purge",
  "losePurge",
  "resumePurges",
  "second",
  "undoTime",
] as const;
type Step = (typeof steps)[number];

/** Two chats, and what each command does to one of them, picked by `pick` from what is there. */
class Chats {
  readonly backend: Backend = createBackend();
  readonly chatIds: Id<"chats">[] = [];
  private readonly tokens: { token: string; text: string }[] = [];
  private readonly deletedAt = new Map<string, number>();
  private names = 0;

  async begin() {
    for (let index = 0; index < 2; index++) {
      this.chatIds.push((await createChat(this.backend)).chatId);
    }
  }

  async take(step: Step, pick: number): Promise<void> {
    try {
      await this.do(step, pick);
    } catch (error) {
      // Refusals are right: a command comes too late, or for somebody else's run. Anything else is a fault.
      if (!["notFound", "runTaken", "chatBusy"].includes(appErrorOf(error)?.kind ?? "")) {
        throw error;
      }
    }
  }

  private async do(step: Step, pick: number): Promise<void> {
    const { backend } = this;
    const chatId = this.chatIds[pick % this.chatIds.length] as Id<"chats">;
    const runs = await rowsOf(backend, "runs");
    const run = runs[pick % Math.max(1, runs.length)];
    const held = this.tokens[pick % Math.max(1, this.tokens.length)];
    this.names += 1;
    switch (step) {
      case "send":
        await backend.mutation(api.messages.send, {
          chatId,
          text: "More",
          clientRequestId: `r${this.names}`,
        });
        break;
      case "regenerate":
        if (run !== undefined) {
          const { messageId } = run;
          await backend.mutation(api.messages.regenerate, { messageId, clientRequestId: `r${this.names}` });
        }
        break;
      case "claim":
        if (run !== undefined) {
          const token = `t${this.names}`;
          const by = pick % 2 === 0 ? "driver" : "server";
          const { persistedText } = await claim(backend, { streamId: run.streamId, token, by });
          this.tokens.push({ token, text: persistedText });
        }
        break;
      case "flush":
        if (held !== undefined) {
          await append(backend, held.token, held.text.length, "Words. ");
          held.text += "Words. ";
        }
        break;
      case "complete":
      case "stopped":
        if (held !== undefined) {
          await finish(backend, held.token, held.text, step);
        }
        break;
      case "failed":
        if (held !== undefined) {
          await fail(backend, held.token, held.text, { kind: "network", message: "Cut." });
        }
        break;
      case "stop":
        if (run !== undefined) {
          await backend.mutation(api.messages.stop, { messageId: run.messageId });
        }
        break;
      case "leaveToServer":
        if (run !== undefined) {
          await backend.mutation(api.messages.leaveToServer, { messageId: run.messageId });
        }
        break;
      case "die":
        await pass(backend, 15_000);
        await backend.mutation(internal.runs.reap, {});
        break;
      case "removeLeftovers":
        if (run !== undefined && hasEnded(run.status)) {
          await backend.mutation(internal.runs.removeLeftovers, { runId: run._id });
        }
        break;
      case "delete":
        await backend.mutation(api.chats.deleteChat, { chatId });
        this.deletedAt.set(chatId, this.deletedAt.get(chatId) ?? Date.now());
        break;
      case "restore":
        await this.restore(chatId);
        break;
      case "purge":
        await backend.mutation(internal.chats.purge, { chatId });
        break;
      case "losePurge":
        await backend.run(async (ctx) => {
          const jobs = await ctx.db.system.query("_scheduled_functions").take(1_000);
          for (const job of jobs) {
            if (job.state.kind === "pending" && job.name.includes("purge")) {
              await ctx.scheduler.cancel(job._id);
            }
          }
        });
        break;
      case "resumePurges":
        await backend.mutation(internal.chats.resumePurges, {});
        break;
      case "second":
        await pass(backend, 1_000);
        break;
      case "undoTime":
        await pass(backend, 31_000);
        break;
      default:
        step satisfies never;
    }
  }

  private async restore(chatId: Id<"chats">): Promise<void> {
    const deletedAt = this.deletedAt.get(chatId) ?? Date.now();
    const restoring = this.backend.mutation(api.chats.restoreChat, { chatId });
    if (Date.now() - deletedAt < undoMs) {
      await restoring.catch((error: unknown) => {
        throw new Error(`An undo was refused in time, after ${Date.now() - deletedAt} ms.`, { cause: error });
      });
    }
    await restoring;
    this.deletedAt.delete(chatId);
  }
}

/** All of a chat that is open: each message has its text or a run, each reply its stream's name, and nothing else is there. */
async function faultsOfOpenChats({ backend }: Chats): Promise<string[]> {
  const faults: string[] = [];
  const messages = await rowsOf(backend, "messages");
  const texts = new Set((await rowsOf(backend, "messageTexts")).map((text) => text.messageId));
  const names = new Set((await rowsOf(backend, "replyStreams")).map((name) => name.messageId));
  for (const { _id, reply } of messages) {
    const hasText = reply === null || hasEnded(reply.status);
    if (texts.has(_id) !== hasText) faults.push(`message ${_id} (${reply?.status}) has text: ${!hasText}`);
    if (names.has(_id) !== (reply !== null)) faults.push(`message ${_id} has a stream: ${names.has(_id)}`);
  }
  const known = new Set<string>(messages.map(({ _id }) => _id));
  for (const messageId of [...texts, ...names]) {
    if (!known.has(messageId)) faults.push(`a row is left over of message ${messageId}`);
  }
  return faults;
}

test("after any order of events an open chat is whole, and a deleted one leaves no row", async () => {
  const command = fc.record({ step: fc.constantFrom(...steps), pick: fc.nat(7) });
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), async (commands) => {
      const chats = new Chats();
      await chats.begin();
      for (const { step, pick } of commands) {
        await chats.take(step, pick);
      }
      const { backend } = chats;
      for (const chatId of chats.chatIds) {
        await chats.take("restore", chats.chatIds.indexOf(chatId));
      }
      // Purges that have begun come to their end, their schedule lost or not.
      await pass(backend, 31_000);
      await backend.mutation(internal.chats.resumePurges, {});
      await pass(backend, 1_000);
      expect(await faultsOfOpenChats(chats)).toEqual([]);
      const open = await backend.query(api.chats.listChats, {});
      expect(await rowCounts(backend)).toMatchObject({ chats: open.length, chatAccess: open.length });

      for (const { _id } of open) {
        await backend.mutation(api.chats.deleteChat, { chatId: _id });
      }
      await pass(backend, 31_000);
      await pass(backend, 1_000);
      expect(await rowCounts(backend)).toEqual(noRows);
      expect(await componentRowCounts(backend)).toEqual({ streams: 0, chunks: 0 });
    }),
    { numRuns: 200 },
  );
}, 60_000);
