/** The pump by examples. Long: its good ways and its bad ones share one fixture; its rules are in `replyPumpRules.test.ts`. */
import { describe, expect, test, vi } from "vitest";
import { api } from "../../../convex/_generated/api.js";
import { ProviderError } from "../../../convex/providers/provider.ts";
import { RunLostError } from "../../../convex/streaming/runStore.ts";
import { bodyOf, reap, replyOf, withDemoModelsAndFakeTime } from "../../support/convexBackend.ts";
import { startPump } from "../../support/pumpFixture.ts";
import { randomNumbers, randomPieces, randomText } from "../../support/randomText.ts";

withDemoModelsAndFakeTime();

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms);

const usage = {
  inputTokens: 7,
  outputTokens: 9,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};

describe("a reply that goes well", () => {
  test("goes token by token to the driver, and whole into the database before the body says done", async () => {
    const { backend, chat, provider, events, sink, ended } = await startPump();
    provider.say("Hello", ", ", "world");
    await pass(0);
    expect(events).toEqual([
      { kind: "start", attempt: 1, from: 0 },
      { kind: "text", offset: 0, text: "Hello" },
      { kind: "text", offset: 5, text: ", " },
      { kind: "text", offset: 7, text: "world" },
    ]);
    provider.finish();
    provider.send({ kind: "usage", usage });
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(events.at(-1)).toEqual({ kind: "done", status: "complete", length: 12 });
    expect(sink.isClosed).toBe(true);
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Hello, world", status: "done" });
  });

  test("stores the usage that comes after the finish, and its cost", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Hello");
    provider.send({ kind: "finish", reason: "stop" });
    provider.send({ kind: "usage", usage });
    provider.end();
    await pass(1_000);
    await ended;
    expect(await replyOf(backend, chat)).toMatchObject({
      usage: { inputTokens: 7, outputTokens: 9 },
      costUsd: 9,
    });
  });

  test("is complete when the connection breaks after its last word", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Hello");
    provider.send({ kind: "finish", reason: "stop" });
    provider.fail(new ProviderError("network", "broken"));
    await pass(1_000);
    await ended;
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", usage: null });
  });

  test("has lone surrogates replaced before both sinks, and no pair split", async () => {
    const { backend, chat, provider, sentText, ended } = await startPump();
    provider.say("a\ud83d", "\ude00", "b\ud83d");
    provider.finish();
    await pass(1_000);
    await ended;
    expect(sentText()).toBe("a😀b\ufffd");
    expect((await bodyOf(backend, chat.streamId)).text).toBe("a😀b\ufffd");
  });

  test("sends reasoning with offsets of its own and persists it apart from the text", async () => {
    const { backend, chat, provider, events, ended } = await startPump();
    provider.send({ kind: "reasoning", text: "Let me " });
    provider.send({ kind: "reasoning", text: "think." });
    provider.say("42");
    provider.finish();
    await pass(1_000);
    await ended;
    expect(events.filter((event) => event.kind === "reasoning")).toEqual([
      { kind: "reasoning", offset: 0, text: "Let me " },
      { kind: "reasoning", offset: 7, text: "think." },
    ]);
    expect((await bodyOf(backend, chat.streamId)).text).toBe("42");
    expect(await backend.query(api.reasoning.get, { streamId: chat.streamId })).toEqual({
      thoughts: [{ place: 0, from: 0, text: "Let me think." }],
      next: { part: 0, from: 0 },
      isTruncated: false,
    });
  });

  test("has no character of its reasoning split, and what never becomes one replaced at the end", async () => {
    const { provider, events, ended } = await startPump();
    for (const text of ["Hm \ud83d", "\ude00", "\ud83d"]) {
      provider.send({ kind: "reasoning", text });
    }
    provider.say("42");
    provider.finish();
    await pass(1_000);
    await ended;
    const thoughts = events.flatMap((event) => (event.kind === "reasoning" ? [event] : []));
    expect(thoughts.map((event) => event.text)).toEqual(["Hm ", "😀", "\ufffd"]);
    expect(thoughts.map((event) => event.offset)).toEqual([0, 3, 5]);
  });

  test("is the same text for driver and database, whatever the pieces and the faults of the network", async () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = randomNumbers(seed);
      const text = randomText(random, 120);
      const { backend, chat, provider, network, sentText, ended } = await startPump();
      for (const piece of randomPieces(random, text, 9)) {
        provider.say(piece);
        network.fault = random() < 0.1 ? "down" : null;
        await pass(Math.floor(random() * 50));
      }
      network.fault = null;
      provider.finish();
      await pass(10_000);
      expect(await ended).toBe("ended");
      expect(sentText()).toBe(text);
      expect((await bodyOf(backend, chat.streamId)).text).toBe(text);
    }
  });
});

describe("a provider that fails", () => {
  test("in mid-reply: everything it sent is persisted and the reply failed, with an estimated bill", async () => {
    const { backend, chat, provider, events, ended } = await startPump();
    provider.say("Half a sent");
    provider.fail(new ProviderError("overloaded", "Too many people."));
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(events.at(-1)).toEqual({ kind: "error", error: "overloaded", message: "Too many people." });
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Half a sent", status: "error" });
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", usage: { outputTokens: 3 } });
  });

  test("by ending without a finish: the connection broke off", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.say("Half");
    provider.end();
    await pass(1_000);
    await ended;
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "network" } });
  });

  test("before its first word and in passing: it is asked again", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.fail(new ProviderError("overloaded", "Busy."));
    provider.fail(new ProviderError("rateLimit", "Busy."));
    provider.say("At last.");
    provider.finish();
    await pass(5_000);
    await ended;
    expect(provider.requests).toHaveLength(3);
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "At last.", status: "done" });
  });

  test("three times before its first word: the reply failed with the last reason", async () => {
    const { backend, chat, provider, ended } = await startPump();
    for (const message of ["one", "two", "three"]) {
      provider.fail(new ProviderError("overloaded", message));
    }
    await pass(5_000);
    await ended;
    expect(await replyOf(backend, chat)).toMatchObject({ error: { kind: "overloaded", message: "three" } });
  });

  test("at great length: the reason is cut between two characters", async () => {
    const { provider, events, ended } = await startPump();
    provider.fail(new ProviderError("auth", `${"x".repeat(999)}😀`));
    await pass(1_000);
    await ended;
    expect(events.at(-1)).toMatchObject({ kind: "error", message: "x".repeat(999) });
  });

  test("for a reason that stays: it is not asked again", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.fail(new ProviderError("auth", "Wrong key."));
    await pass(1_000);
    await ended;
    expect(provider.requests).toHaveLength(1);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "auth" } });
  });

  test("by refusing without a word: the reply failed as refused", async () => {
    const { backend, chat, provider, ended } = await startPump();
    provider.finish("refused");
    await pass(1_000);
    await ended;
    expect(await replyOf(backend, chat)).toMatchObject({ status: "failed", error: { kind: "refused" } });
  });
});

describe("a stop", () => {
  test("reaches a provider that talks with the next flush; what it said is kept", async () => {
    const { backend, chat, provider, events, ended } = await startPump();
    provider.say("So far ");
    await pass(100);
    await backend.mutation(api.messages.stop, { messageId: chat.messageId });
    await pass(300);
    expect(provider.signal?.aborted).toBe(true);
    expect(await ended).toBe("ended");
    expect(events.at(-1)).toEqual({ kind: "done", status: "stopped", length: 7 });
    expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped", usage: { outputTokens: 2 } });
  });

  test("keeps all that was received, also what was waiting for room, and nobody gets ahead by it", async () => {
    const { backend, chat, provider, network, lengths, sentText, ended } = await startPump();
    const text = "word ".repeat(2_000);
    network.fault = "down";
    provider.say(text);
    await pass(100);
    await backend.mutation(api.messages.stop, { messageId: chat.messageId });
    network.fault = null;
    await pass(2_900);
    expect(await ended).toBe("ended");
    expect((await bodyOf(backend, chat.streamId)).text === text).toBe(true);
    expect(sentText() === text).toBe(true);
    expect(lengths.mostAhead).toBe(4_000);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped" });
  });

  test("reaches a provider that is silent within a second", async () => {
    const { backend, chat, provider, ended } = await startPump();
    await pass(2_345);
    await backend.mutation(api.messages.stop, { messageId: chat.messageId });
    await pass(1_000);
    expect(provider.signal?.aborted).toBe(true);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "stopped", usage: null });
  });
});

describe("the lease", () => {
  test("is kept by heartbeats while the model thinks silently, and the body by pings", async () => {
    const { backend, chat, provider, sink, ended } = await startPump();
    for (let second = 0; second < 60; second++) {
      await pass(1_000);
      await reap(backend);
    }
    expect(sink.pings).toBeGreaterThanOrEqual(10);
    provider.say("42");
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(await replyOf(backend, chat)).toMatchObject({ status: "complete", attempt: 1 });
  });

  test.each(["down", "silent"] as const)(
    "is given up after ten seconds without acknowledgement when the network is %s",
    async (fault) => {
      const { provider, network, events, sink, ended } = await startPump();
      provider.say("Hello. ");
      await pass(1_000);
      network.fault = fault;
      provider.say("Nobody will have this. ");
      await pass(10_700);
      expect(await ended).toBeInstanceOf(RunLostError);
      expect(provider.signal?.aborted).toBe(true);
      expect(sink.isClosed).toBe(true);
      expect(events.at(-1)?.kind).toBe("text");
    },
  );

  test("a call that hangs is made again: its answer may be lost for ever", async () => {
    const { backend, chat, provider, network, ended } = await startPump();
    network.fault = "silent";
    provider.say("Hello. ");
    await pass(100);
    network.fault = null;
    provider.say("More.");
    provider.finish();
    await pass(6_000);
    expect(await ended).toBe("ended");
    expect(await bodyOf(backend, chat.streamId)).toEqual({ text: "Hello. More.", status: "done" });
  });

  test("a pump never gives up late: its lease still lives", async () => {
    const { backend, chat, network, ended } = await startPump();
    network.fault = "silent";
    await pass(11_000);
    expect(await ended).toBeInstanceOf(RunLostError);
    await reap(backend);
    expect(await replyOf(backend, chat)).toMatchObject({ status: "running" });
  });

  test("a pump whose run was taken ends at its next flush without a verdict", async () => {
    const { backend, provider, events, ended } = await startPump();
    await backend.run(async (ctx) => {
      const run = await ctx.db.query("runs").unique();
      if (run !== null) await ctx.db.patch("runs", run._id, { token: "somebody-else" });
    });
    provider.say("Too late. ");
    await pass(1_000);
    expect(await ended).toBeInstanceOf(RunLostError);
    expect(provider.signal?.aborted).toBe(true);
    expect(events.at(-1)?.kind).toBe("text");
  });

  test("a database that never answers lets 4,000 characters through at once, text and thoughts", async () => {
    const { provider, network, events, sentText } = await startPump();
    network.fault = "silent";
    provider.send({ kind: "reasoning", text: "Hm. ".repeat(3_000) });
    provider.say(...Array.from({ length: 40 }, () => "x".repeat(100)));
    await pass(0);
    expect(events[1]).toMatchObject({ kind: "reasoning", text: "Hm. ".repeat(3_000) });
    expect(sentText().length).toBe(4_000);
  });

  test("a driver is at most 4,000 characters ahead of the database: the provider is not read on", async () => {
    const { provider, network, sentText, ended } = await startPump();
    network.fault = "silent";
    provider.say(...Array.from({ length: 100 }, () => "x".repeat(1_000)));
    await pass(5_000);
    expect(sentText().length).toBe(4_000);
    expect(provider.readSteps).toBeLessThan(10);
    await pass(6_000);
    expect(await ended).toBeInstanceOf(RunLostError);
  });

  test("a fast provider is read as fast as the database takes it, to the end", async () => {
    const { backend, chat, provider, ended } = await startPump();
    const text = "word ".repeat(20_000);
    provider.say(text);
    provider.finish();
    await pass(10_000);
    expect(await ended).toBe("ended");
    expect((await bodyOf(backend, chat.streamId)).text === text).toBe(true);
  });
});

test("an end that the database refuses ten times is left to the reaper, without a word to the driver", async () => {
  const { backend, chat, provider, network, events, sink, ended } = await startPump();
  network.fault = "refuses ends";
  provider.say("Hello. ");
  await pass(100);
  provider.finish();
  await pass(15_000);
  expect(await ended).toMatchObject({ message: "The end was refused." });
  expect(sink.isClosed).toBe(true);
  expect(events.map((event) => event.kind)).toEqual(["start", "text"]);
  await pass(15_000);
  await reap(backend);
  expect(await replyOf(backend, chat)).toMatchObject({ status: "recovering" });
  expect((await bodyOf(backend, chat.streamId)).text).toBe("Hello. ");
});

test("text that the database refuses ten times is given up to a successor, though the lease lives", async () => {
  const { provider, network, sink, ended } = await startPump();
  network.fault = "refuses text";
  provider.say("Hello.");
  await pass(20_000);
  expect(await ended).toBeInstanceOf(RunLostError);
  expect(provider.signal?.aborted).toBe(true);
  expect(sink.isClosed).toBe(true);
});

describe("a successor", () => {
  test("goes on behind the persisted text and removes what the model repeats of it", async () => {
    const persistedText = "The lease ends after fifteen seconds ";
    const { backend, chat, provider, events, ended } = await startPump({ attempt: 2, persistedText });
    provider.say("ends after fifteen ", "seconds of silence.");
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    expect(events[0]).toEqual({ kind: "start", attempt: 2, from: persistedText.length });
    expect(events[1]).toEqual({ kind: "text", offset: persistedText.length, text: "of silence." });
    expect(await bodyOf(backend, chat.streamId)).toEqual({
      text: "The lease ends after fifteen seconds of silence.",
      status: "done",
    });
  });

  test("goes on with a reply of which it was only handed the end, and ends it whole", async () => {
    const persistedText = "word ".repeat(120_000);
    const { backend, chat, provider, events, ended } = await startPump({ attempt: 2, persistedText });
    provider.say("and here the very long reply has its end.");
    provider.finish();
    await pass(1_000);
    expect(await ended).toBe("ended");
    const whole = `${persistedText}and here the very long reply has its end.`;
    expect(events[0]).toEqual({ kind: "start", attempt: 2, from: persistedText.length });
    expect(events[1]).toMatchObject({ kind: "text", offset: persistedText.length });
    expect(events.at(-1)).toEqual({ kind: "done", status: "complete", length: whole.length });
    const body = await bodyOf(backend, chat.streamId);
    expect(body.status).toBe("done");
    expect(body.text === whole).toBe(true);
  });
});
