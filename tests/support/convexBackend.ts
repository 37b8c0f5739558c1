/** The backend under convex-test, with its component, and the steps that many tests share. */
import { register } from "@convex-dev/persistent-text-streaming/test";
import { convexTest } from "convex-test";
import { afterEach, beforeEach, vi } from "vitest";
import { api, internal } from "../../convex/_generated/api.js";
import type { Doc, TableNames } from "../../convex/_generated/dataModel.js";
import { appError } from "../../convex/model/appError.ts";
import type { ReplyEnd } from "../../convex/streaming/runStore.ts";
import schema from "../../convex/schema.ts";

const modules = import.meta.glob("../../convex/**/*.{ts,js}");

export type Backend = ReturnType<typeof createBackend>;

export function createBackend() {
  const backend = convexTest(schema, modules);
  register(backend);
  return backend;
}

/** Gives each test of the file the demo models and a clock that only moves when it is told to. */
export function withDemoModelsAndFakeTime() {
  beforeEach(() => {
    vi.stubEnv("DEMO_BASE_URL", "http://127.0.0.1:1");
    vi.useFakeTimers({ now: new Date("2026-11-21T12:00:00Z") });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
    vi.unstubAllGlobals();
  });
}

export async function createChat(backend: Backend, prompt = "Say something.") {
  return await backend.mutation(api.chats.createChat, { prompt });
}

/** Claims as an action does: a run that has to wait for its turn is a refusal to it. */
export async function claim(
  backend: Backend,
  claim: { streamId: string; token: string; driverToken?: string; by?: "driver" | "server" },
) {
  const answer = await backend.mutation(internal.runs.claim, { by: "driver", ...claim });
  if ("refusal" in answer) {
    throw appError(answer.refusal);
  }
  return answer;
}

/** A chat whose first reply is claimed with `token`. */
export async function runningChat(backend: Backend, token = "token-1") {
  const chat = await createChat(backend);
  await claim(backend, { streamId: chat.streamId, token });
  return { ...chat, token };
}

export async function append(backend: Backend, token: string, from: number, text: string) {
  return await backend.mutation(internal.runs.append, { token, from, text });
}

export async function finish(
  backend: Backend,
  token: string,
  text: string,
  status: "complete" | "stopped" = "complete",
) {
  const usage = {
    inputTokens: 10,
    outputTokens: 20,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    reasoningTokens: 0,
    estimated: false,
  };
  await backend.mutation(internal.runs.finish, {
    token,
    text,
    status,
    finishReason: "stop",
    usage,
    costUsd: 0.5,
  });
}

export async function fail(
  backend: Backend,
  token: string,
  text: string,
  error: Extract<ReplyEnd, { status: "failed" }>["error"],
) {
  await backend.mutation(internal.runs.fail, { token, text, error, usage: null, costUsd: null });
}

export async function bodyOf(backend: Backend, streamId: string) {
  return await backend.query(api.chats.getChatBody, { streamId });
}

export async function tailOf(backend: Backend, streamId: string) {
  return await backend.query(api.messages.getTail, { streamId });
}

/** The reply's metadata as the list of its chat shows it. */
export async function replyOf(
  backend: Backend,
  { chatId, messageId }: { chatId: string; messageId: string },
) {
  const messages = await backend.query(api.messages.list, { chatId });
  return messages.find((message) => message._id === messageId)?.reply ?? null;
}

export async function rowsOf<Table extends TableNames>(
  backend: Backend,
  table: Table,
): Promise<Doc<Table>[]> {
  return await backend.run(async (ctx) => await ctx.db.query(table).take(1_000));
}

/** What `rowCounts` answers of a backend without any row. */
export const noRows: Record<string, number> = Object.fromEntries(
  Object.keys(schema.tables).map((table) => [table, 0]),
);

/** Rows of all tables of the app. */
export async function rowCounts(backend: Backend): Promise<Record<string, number>> {
  const tables = Object.keys(schema.tables) as TableNames[];
  const counts: Record<string, number> = {};
  for (const table of tables) {
    counts[table] = (await rowsOf(backend, table)).length;
  }
  return counts;
}

/** Rows of all tables of the component. */
export async function componentRowCounts(backend: Backend): Promise<Record<string, number>> {
  type Count = (ctx: {
    db: { query(table: string): { take(limit: number): Promise<unknown[]> } };
  }) => unknown;
  // Not in the types of convex-test, which uses it itself to run a component's scheduled functions.
  const component = backend as unknown as {
    runInComponent(path: string, count: Count): Promise<Record<string, number>>;
  };
  return await component.runInComponent("persistentTextStreaming", async ({ db }) => ({
    streams: (await db.query("streams").take(10_000)).length,
    chunks: (await db.query("chunks").take(10_000)).length,
  }));
}

/** Lets time pass, with the scheduled functions that fall due in it. */
export async function pass(backend: Backend, ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await backend.finishInProgressScheduledFunctions();
}

export async function reap(backend: Backend) {
  await backend.mutation(internal.runs.reap, {});
}
