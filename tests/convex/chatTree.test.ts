/** Whatever is asked for, in whatever order: the messages of a chat are a tree, and its paths do not mix. */
import fc from "fast-check";
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

const chatCount = 2;
/** Few, so that many requests come under an id that was used before. */
const requestIds = ["a", "b", "c", "d", "e", "f", "g", "h"];

const target = fc.nat({ max: 30 });
const requestStep = fc.record({
  kind: fc.constantFrom("message", "edit", "regenerate", "continue"),
  chat: fc.nat({ max: chatCount - 1 }),
  target,
  clientRequestId: fc.constantFrom(...requestIds),
});
const endStep = fc.record({ kind: fc.constant("end"), how: fc.constantFrom("complete", "stopped"), target });
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: requestStep }, { weight: 2, arbitrary: endStep }), {
  minLength: 4,
  maxLength: 24,
});
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

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

  async take(step: Step, chatIds: string[]): Promise<void> {
    const messages = await this.messages();
    if ("how" in step) {
      await this.end(messages, step.target, step.how as "complete" | "stopped");
      return;
    }
    const { clientRequestId } = step;
    const chatId = chatIds[step.chat] ?? "";
    const candidates = messages.filter((message) => message.chatId === chatId);
    const messageId = candidates[step.target % candidates.length]?._id ?? "";
    const asked = this.ask(step.kind, { chatId, messageId, clientRequestId });
    // A refusal is an answer too: what it leaves behind is looked at.
    await asked.catch((error: unknown) => expect(error).toHaveProperty("data.kind"));
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
  private async end(messages: Message[], at: number, how: "complete" | "stopped"): Promise<void> {
    const growing = messages.filter(({ reply }) => reply?.status === "queued");
    const reply = growing[at % growing.length]?.reply;
    if (!reply) {
      return;
    }
    const { streamId } = reply;
    const { persistedText, turns } = await claim(this.backend, { streamId, token: streamId });
    expect(turns.map(({ text }) => text)).toEqual(await this.promptOf(messages, streamId, persistedText));
    const text = `${persistedText}Reply ${(this.texts += 1)}. `;
    await append(this.backend, streamId, persistedText.length, text.slice(persistedText.length));
    await finish(this.backend, streamId, text, how);
  }

  /** The texts on the way from the first message to the reply, by the tree itself. */
  private async promptOf(messages: Message[], streamId: string, persistedText: string) {
    const texts = await this.storedTexts();
    const byId = new Map(messages.map((message) => [message._id as string, message]));
    const path: string[] = [];
    let parentId = messages.find(({ reply }) => reply?.streamId === streamId)?.parentId ?? null;
    while (parentId !== null) {
      path.unshift(texts.get(parentId) ?? "no text");
      parentId = byId.get(parentId)?.parentId ?? null;
    }
    return persistedText === "" ? path : [...path, persistedText, expect.stringMatching(/continue/i)];
  }
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

test("random requests leave a tree of alternating roles, each carried out once, and change nothing that ended", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const chats = new Chats(createBackend());
      const chatIds: string[] = [];
      for (let chat = 0; chat < chatCount; chat += 1) {
        const request = { prompt: `Chat ${chat}`, clientRequestId: requestIds[chat] ?? "" };
        chatIds.push((await chats.backend.mutation(api.chats.createChat, request)).chatId);
      }
      for (const step of script) {
        const before = await chats.messages();
        const textsBefore = await chats.storedTexts();
        await chats.take(step, chatIds);
        const after = await chats.messages();
        expect(faultsIn(after)).toEqual([]);
        const ended = ({ reply }: Message) => reply === null || reply.status !== "queued";
        const afterById = new Map(after.map((message) => [message._id, message]));
        for (const message of before) {
          const now = afterById.get(message._id);
          if (ended(message)) expect(now).toEqual(message);
          else expect({ ...now, reply: null }).toEqual({ ...message, reply: null });
        }
        const texts = await chats.storedTexts();
        for (const [messageId, text] of textsBefore) expect(texts.get(messageId)).toBe(text);
      }
    }),
    { numRuns: 150 },
  );
});
