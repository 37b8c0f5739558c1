/** A reply pump on the real transactions, with a scripted model and a way to the database that can fail. */
import { vi } from "vitest";
import { internal } from "../../convex/_generated/api.js";
import type { StreamEvent } from "../../convex/shared/streamEvents.ts";
import { systemClock } from "../../convex/streaming/clock.ts";
import { ReplyPump } from "../../convex/streaming/replyPump.ts";
import { convexRunStore } from "../../convex/streaming/runStore.ts";
import { append, claim, createBackend, createChat, reap } from "./convexBackend.ts";
import { ScriptedProvider } from "./scriptedProvider.ts";

/**
 * With attempt 2, one that takes up a run whose first pump persisted `persistedText` and died, with the note of the
 * response `id` that began at offset `from` if there is one.
 */
export async function startPump(
  options: { attempt?: 2; persistedText?: string; response?: { id: string; from: number } } = {},
) {
  const backend = createBackend();
  const chat = await createChat(backend);
  if (options.attempt === 2) {
    await claim(backend, { streamId: chat.streamId, token: "dead" });
    await append(backend, "dead", 0, options.persistedText ?? "");
    if (options.response) {
      const response = { ...options.response, reasoningFrom: 0 };
      await backend.mutation(internal.responses.note, { token: "dead", response });
    }
    vi.setSystemTime(Date.now() + 15_000);
    await reap(backend);
  }
  const run = await claim(backend, { streamId: chat.streamId, token: "pump" });
  const network: { fault: null | "down" | "silent" | "refuses ends" | "refuses text" } = { fault: null };
  /** UTF-16 units of the reply in the two sinks, and by how many the driver was ahead at most. */
  const lengths = { sent: 0, persisted: 0, mostAhead: 0 };
  const through = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    if (network.fault === "down") throw new Error("The network is down.");
    if (network.fault === "silent") return await new Promise<Result>(() => {});
    return await call();
  };
  type Call = (reference: unknown, args: unknown) => Promise<unknown>;
  const { mutation, query } = backend as unknown as { mutation: Call; query: Call };
  const ctx = {
    runMutation: async (reference: unknown, args: { from?: number; text?: string; usage?: unknown }) => {
      if (network.fault === "refuses ends" && "usage" in args) throw new Error("The end was refused.");
      if (network.fault === "refuses text" && "from" in args) throw new Error("The text was refused.");
      const answer = await through(() => mutation(reference, args));
      lengths.persisted = Math.max(lengths.persisted, (args.from ?? 0) + (args.text ?? "").length);
      return answer;
    },
    runQuery: (reference: unknown, args: unknown) => through(() => query(reference, args)),
  } as Parameters<typeof convexRunStore>[0];
  const provider = new ScriptedProvider();
  const events: StreamEvent[] = [];
  const sink = { pings: 0, isClosed: false };
  const pump = new ReplyPump(
    {
      ...run,
      reasoningLength: run.reasoningLength ?? 0,
      persistedFrom: run.persistedFrom ?? 0,
      actionBeganAt: Date.now(),
      lease: { askedAt: Date.now(), leaseMs: run.leaseMs },
      request: { model: run.model, turns: run.turns, maxOutputTokens: 100 },
      costOf: (usage) => usage.outputTokens,
    },
    {
      provider,
      store: convexRunStore(ctx, "pump", systemClock),
      sink: {
        send: (event) => {
          events.push(event);
          lengths.sent += event.kind === "text" ? event.text.length : 0;
          lengths.mostAhead = Math.max(lengths.mostAhead, lengths.sent - lengths.persisted);
        },
        ping: () => (sink.pings += 1),
        close: () => (sink.isClosed = true),
      },
      clock: systemClock,
    },
  );
  const ended = pump.pump().then(
    () => "ended" as const,
    (error: unknown) => error,
  );
  const sentText = () => events.map((event) => (event.kind === "text" ? event.text : "")).join("");
  return { backend, chat, provider, network, lengths, events, sink, ended, sentText };
}
