/** Whatever is asked for, in whatever order: the messages of a chat are a tree, and its paths do not mix. */
import { array, assert, asyncProperty, constant, constantFrom, nat, oneof, record } from "fast-check";
import type { Arbitrary } from "fast-check";
import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import type { Doc } from "../../convex/_generated/dataModel.js";
import {
  append,
  claim,
  createBackend,
  finish,
  rowsOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

/** Thousands of transactions, on a machine that does something else besides. */
const patienceMs = 120_000;

const chatCount = 2;
/** Few, so that many requests come under an id that was used before. */
const requestIds = ["a", "b", "c", "d", "e", "f", "g", "h"];

const target = nat({ max: 30 });
const requestStep = record({
  kind: constantFrom("message", "edit", "regenerate", "continue"),
  chat: nat({ max: chatCount - 1 }),
  target,
  clientRequestId: constantFrom(...requestIds),
});
const endStep = record({ kind: constant("end" as const), how: constantFrom("complete", "stopped"), target });
const steps = array(oneof({ weight: 3, arbitrary: requestStep }, { weight: 2, arbitrary: endStep }), {
  minLength: 4,
  maxLength: 24,
});
type Step = typeof steps extends Arbitrary<(infer S)[]> ? S : never;

type Message = Doc<"messages">;

class Chats {
  readonly backend: Backend;
  private texts = 0;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  async messages(): Promise<Message[]> {
    return await rowsOf(this.backend, "messages");
  }

  async storedTexts(): Promise<Map<string, string>> {
    const texts = await rowsOf(this.backend, "messageTexts");
    return new Map(texts.map(({ messageId, text }) => [messageId, text]));
  }

  /** Answers what is wrong with what a model was given, in sentences. */
  async take(step: Step, chatIds: string[]): Promise<string[]> {
    const messages = await this.messages();
    if ("how" in step) {
      return await this.end(messages, step.target, step.how);
    }
    const { clientRequestId } = step;
    const chatId = chatIds[step.chat] ?? "";
    const candidates = messages.filter((message) => message.chatId === chatId);
    const messageId = candidates[step.target % candidates.length]?._id ?? "";
    const asked = this.ask(step.kind, { chatId, messageId, clientRequestId });
    await asked.catch((error: unknown) => {
      // A refusal is an answer too: what it leaves behind is looked at.
      if (!(error instanceof ConvexError)) {
        throw error;
      }
    });
    return [];
  }

  private async ask(kind: string, to: { chatId: string; messageId: string; clientRequestId: string }) {
    const { chatId, messageId, clientRequestId } = to;
    const text = `Message ${(this.texts += 1)}`;
    switch (kind) {
      case "message":
        return await this.backend.mutation(api.messages.send, {
          chatId,
          parentId: messageId,
          text,
          clientRequestId,
        });
      case "edit":
        return await this.backend.mutation(api.messages.edit, { messageId, text, clientRequestId });
      case "regenerate":
        return await this.backend.mutation(api.messages.regenerate, { messageId, clientRequestId });
      default:
        return await this.backend.mutation(api.messages.continueReply, { messageId, clientRequestId });
    }
  }

  /** Ends one of the replies that grow, after it wrote something of its own behind what it was given. */
  private async end(messages: Message[], at: number, how: "complete" | "stopped"): Promise<string[]> {
    const growing = messages.filter(isGrowing);
    const reply = growing[at % growing.length]?.reply;
    if (!reply) {
      return [];
    }
    const { streamId } = reply;
    const { persistedText, turns } = await claim(this.backend, { streamId, token: streamId });
    const given = turns.map(({ text }) => text);
    const path = await this.pathTo(messages, streamId);
    const wanted = persistedText === "" ? path : [...path, persistedText, given.at(-1)];
    const text = `${persistedText}Reply ${(this.texts += 1)}. `;
    await append(this.backend, streamId, persistedText.length, text.slice(persistedText.length));
    await finish(this.backend, streamId, text, how);
    return given.join("\n") === wanted.join("\n") ? [] : [`the model was given ${given.join("; ")}`];
  }

  /** The texts on the way from the first message to the reply, by the tree itself. */
  private async pathTo(messages: Message[], streamId: string): Promise<string[]> {
    const texts = await this.storedTexts();
    const byId = new Map(messages.map((message) => [message._id as string, message]));
    const path: string[] = [];
    let parentId = messages.find(({ reply }) => reply?.streamId === streamId)?.parentId ?? null;
    while (parentId !== null) {
      path.unshift(texts.get(parentId) ?? "no text");
      parentId = byId.get(parentId)?.parentId ?? null;
    }
    return path;
  }
}

function isGrowing({ reply }: Message): boolean {
  return reply?.status === "queued";
}

/** What is wrong with the messages, in sentences. */
function faultsIn(messages: Message[]): string[] {
  const byId = new Map(messages.map((message) => [message._id as string, message]));
  const faults: string[] = [];
  const requests = new Set<string>();
  for (const { _id, chatId, parentId, role, reply, clientRequestId } of messages) {
    const parent = parentId === null ? null : byId.get(parentId);
    if (parent === undefined) {
      faults.push(`${_id} answers a message that does not exist`);
    } else if (parent === null) {
      if (role !== "user") faults.push(`${_id} is a reply to nothing`);
    } else {
      if (parent.chatId !== chatId) faults.push(`${_id} answers a message of another chat`);
      if (parent.role === role) faults.push(`${_id} answers a message of its own role`);
      if (parent._creationTime > byId.get(_id)!._creationTime) faults.push(`${_id} is older than its parent`);
    }
    if ((role === "assistant") !== (reply !== null)) faults.push(`${_id} is a ${role} with or without reply`);
    const continued = reply?.continues === undefined ? null : byId.get(reply.continues);
    if (continued !== null && continued?.parentId !== parentId) {
      faults.push(`${_id} continues a reply that is not its version`);
    }
    const request = clientRequestId === null ? null : `${chatId} ${clientRequestId}`;
    if (request !== null && requests.has(request)) faults.push(`${request} was carried out twice`);
    if (request !== null) requests.add(request);
  }
  return faults;
}

test(
  "random requests leave a tree of alternating roles, each carried out once, and change nothing that ended",
  async () => {
    await assert(
      asyncProperty(steps, async (script) => {
        const chats = new Chats(createBackend());
        const chatIds: string[] = [];
        for (let chat = 0; chat < chatCount; chat += 1) {
          const request = { prompt: `Chat ${chat}`, clientRequestId: requestIds[chat] ?? "" };
          chatIds.push((await chats.backend.mutation(api.chats.createChat, request)).chatId);
        }
        for (const step of script) {
          const before = await chats.messages();
          const textsBefore = await chats.storedTexts();
          expect(await chats.take(step, chatIds)).toEqual([]);
          const after = await chats.messages();
          expect(faultsIn(after)).toEqual([]);
          // Of a reply that grows, all but the reply itself.
          const lasting = (message: Message | undefined) =>
            growingIds.has(message?._id) ? { ...message, reply: null } : message;
          const growingIds = new Set(
            before.filter(isGrowing).map((message) => message._id as string | undefined),
          );
          const afterById = new Map(after.map((message) => [message._id, message]));
          expect(before.map((message) => lasting(afterById.get(message._id)))).toEqual(before.map(lasting));
          const texts = await chats.storedTexts();
          for (const [messageId, text] of textsBefore) expect(texts.get(messageId)).toBe(text);
        }
      }),
      { numRuns: 100 },
    );
  },
  patienceMs,
);
