import { describe, expect, test, vi } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { RunLostError } from "../../../convex/streaming/runStore.ts";
import { bodyOf, claim, reap, replyOf, withDemoModelsAndFakeTime } from "../../support/convexBackend.ts";
import { startPump } from "../../support/pumpFixture.ts";

withDemoModelsAndFakeTime();

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

const usage = {
  inputTokens: 7,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};

/** The machine sleeps: its clock goes on, and nothing else does. */
const sleep = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe("a model that falls silent", () => {
  test("in mid-text: after a minute and a half the reply failed as timeout, and keeps its text", async () => {
    const { backend, chat, provider, events, ended } = await startPump();
    provider.say("Half a sent");
    await pass(88_000);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
    await pass(5_000);
    expect(await ended).toBe("ended");
    expect(provider.signal?.aborted).toBe(true);
    expect(events.at(-1)).toMatchObject({ kind: "error", error: "timeout" });
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half a sent", status: "error" });
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "timeout" } });
    expect(provider.requests).toHaveLength(1);
  });

  test("now and then, for less than that: its reply goes on", async () => {
    const { backend, chat, provider, ended } = await startPump();
    for (let minute = 0; minute < 5; minute++) {
      provider.say("word ");
      await pass(60_000);
    }
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", attempt: 1 });
  });

  test("before its first word: it is asked again after five minutes, on a new connection", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.send({ kind: "usage", usage });
    await pass(298_000);
    expect(provider.requests).toHaveLength(1);
    const first = provider.signal;
    await pass(5_000);
    expect(first?.aborted).toBe(true);
    expect(provider.requests).toHaveLength(2);
    expect(provider.signal?.aborted).toBe(false);
    provider.say("At last.");
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "At last.", status: "done" });
  });

  test("for good: the reply failed as timeout before it would be handed on", async () => {
    const { backend, chat, provider, ended } = await startPump();
    await pass(15.2 * 60_000);
    expect(await ended).toBe("ended");
    expect(provider.requests).toHaveLength(3);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "timeout" } });
  });

  test("after its last word: the reply is complete", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Hello");
    provider.send({ kind: "finish", reason: "stop" });
    await pass(95_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete" });
  });
});

describe("a machine that sleeps in mid-reply", () => {
  test("and wakes with the run still its own goes on with it", async () => {
    const { backend, chat, provider, sentText, ended } = await startPump();
    provider.say("Before. ");
    await pass(1_000);
    for (let times = 0; times < 3; times++) {
      sleep(13_000);
      provider.say("After. ");
      await pass(2_000);
    }
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", attempt: 1 });
    expect(sentText()).toBe("Before. After. After. After. ");
  });

  test("and wakes after its lease, with the run taken up meanwhile, sends nothing more", async () => {
    const { backend, chat, provider, sink, sentText, ended } = await startPump();
    provider.say("Before. ");
    await pass(1_000);
    sleep(16_000);
    await reap(backend);
    await claim(backend, { streamId: chat.streamId, token: "successor" });
    provider.say("Nobody will have this. ");
    provider.send({ kind: "reasoning", text: "Nor this." });
    await pass(3_000);
    expect(await ended).toBeInstanceOf(RunLostError);
    expect(sentText()).toBe("Before. ");
    expect(sink.isClosed).toBe(true);
    expect((await bodyOf(backend, chat.streamId)).text).toBe("Before. ");
  });

  test("and wakes after its lease, with the run taken by nobody, goes on", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Before. ");
    await pass(1_000);
    sleep(3_600_000);
    provider.say("After.");
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Before. After.", status: "done" });
  });

  test("and wakes without its database sends nothing, and gives the run up", async () => {
    const { provider, network, events, sink, ended } = await startPump();
    provider.say("Before. ");
    await pass(1_000);
    const sent = events.length;
    sleep(13_000);
    network.fault = "silent";
    provider.say("After. ");
    provider.send({ kind: "reasoning", text: "Hm." });
    await pass(6_000);
    expect(await ended).toBeInstanceOf(RunLostError);
    expect(provider.signal?.aborted).toBe(true);
    expect(events).toHaveLength(sent);
    expect(sink).toMatchObject({ pings: 0, isClosed: true });
  });

  test("and wakes to a stop ends as stopped, with all that was said", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Before. ");
    await pass(1_000);
    sleep(13_000);
    provider.say("After.");
    await backend.mutation(api.messages.stop, { messageId: chat.messageId });
    await pass(2_000);
    expect(await ended).toBe("ended");
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Before. After.", status: "done" });
    expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  });
});
