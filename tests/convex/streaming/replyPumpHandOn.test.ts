import { describe, expect, test, vi } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { bodyOf, replyOf, withDemoModelsAndFakeTime } from "../../support/convexBackend.ts";
import { startPump } from "../../support/pumpFixture.ts";

withDemoModelsAndFakeTime();

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

type Started = Awaited<ReturnType<typeof startPump>>;

/** The model says a word a minute, up to a moment before the action has lived for twenty-five. */
async function talkForAlmost25Minutes({ provider }: Started): Promise<string> {
  let text = "";
  for (let minute = 0; minute < 25; minute++) {
    provider.say(`word ${minute} `);
    text += `word ${minute} `;
    await pass(minute === 24 ? 59_000 : 60_000);
  }
  return text;
}

describe("a generation that outlives its action", () => {
  test("is handed on after 25 minutes: the model aborted, all of it persisted, no verdict sent", async () => {
    const started = await startPump();
    const { backend, chat, provider, events, sink, ended } = started;
    const text = await talkForAlmost25Minutes(started);
    provider.say("and half a sent");
    await pass(500);
    expect(provider.signal?.aborted).toBe(false);
    await pass(1_500);
    expect(await ended).toBe("ended");
    expect(provider.signal?.aborted).toBe(true);
    expect(sink.isClosed).toBe(true);
    expect(events.at(-1)?.kind).toBe("text");
    expect(await bodyOf(backend, chat.streamId)).toEqual({
      text: `${text}and half a sent`,
      status: "streaming",
    });
    expect(await replyOf(backend, chat)).toMatchObject({ attempt: 2 });
  }, 20_000);

  test("is handed on without the half of a character that its successor says whole", async () => {
    const started = await startPump();
    const { backend, chat, provider, ended } = started;
    const text = await talkForAlmost25Minutes(started);
    provider.say("half a smile: \ud83d");
    await pass(2_000);
    expect(await ended).toBe("ended");
    expect((await bodyOf(backend, chat.streamId)).text).toBe(`${text}half a smile: `);
  }, 20_000);

  test("is complete when the model had finished and only kept its connection open", async () => {
    const started = await startPump();
    const { backend, chat, provider, ended } = started;
    await talkForAlmost25Minutes(started);
    provider.send({ kind: "finish", reason: "stop" });
    await pass(2_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete" });
  }, 20_000);

  test("is stopped when somebody asked for that before it was handed on", async () => {
    const started = await startPump();
    const { backend, chat, network, ended } = started;
    await talkForAlmost25Minutes(started);
    network.fault = "down";
    started.provider.say("more");
    await pass(1_100);
    await backend.mutation(api.messages.stop, { messageId: chat.messageId });
    network.fault = null;
    await pass(2_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
    expect((await bodyOf(backend, chat.streamId)).text.endsWith("word 24 more")).toBe(true);
  }, 20_000);

  test("fails when there is not one word to go on from: it would begin anew for ever", async () => {
    const { backend, chat, provider, ended } = await startPump();
    for (let minute = 0; minute < 25; minute++) {
      provider.send({ kind: "reasoning", text: "Hm. " });
      await pass(60_000);
    }
    await pass(2_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "timeout" } });
    const reasoning = await backend.query(api.reasoning.get, { streamId: chat.streamId });
    expect(reasoning?.thoughts).toEqual([{ place: 0, from: 0, text: "Hm. ".repeat(25) }]);
  }, 20_000);
});
