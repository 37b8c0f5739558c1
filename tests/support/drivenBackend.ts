/** The site port of the backend under convex-test, with a model server whose answers a test writes. */
import { afterEach, beforeEach, expect, vi } from "vitest";
import type { StreamEvent } from "../../convex/shared/streamEvents.ts";
import { replyOf } from "./convexBackend.ts";
import type { Backend } from "./convexBackend.ts";
import { eventStream } from "./wireResponse.ts";

const encoder = new TextEncoder();

/** OpenAI's wire, the same answer to everybody. */
export class ModelServer {
  readonly signals: (AbortSignal | null | undefined)[] = [];
  private readonly controllers = new Set<ReadableStreamDefaultController<Uint8Array>>();

  fetch = async (_url: unknown, init?: RequestInit) => {
    this.signals.push(init?.signal);
    let open: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        open = controller;
        this.controllers.add(controller);
      },
      cancel: () => {
        this.controllers.delete(open);
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  };

  say(...texts: string[]) {
    this.write(eventStream(texts.map((content) => ({ choices: [{ index: 0, delta: { content } }] }))));
  }

  finish() {
    const last = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
    this.write(eventStream([last, "data: [DONE]\n\n"]));
  }

  private write(text: string) {
    for (const controller of this.controllers) {
      controller.enqueue(encoder.encode(text));
    }
  }
}

/** Gives each test of the file a model server of its own. Time is real: convex-test loses an action whose timers are faked. */
export function withModelServer(): { current: ModelServer } {
  const model = { current: new ModelServer() };
  beforeEach(() => {
    vi.stubEnv("DEMO_BASE_URL", "http://127.0.0.1:1");
    model.current = new ModelServer();
    vi.stubGlobal("fetch", model.current.fetch);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });
  return model;
}

export async function post(backend: Backend, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return await backend.fetch("/chat-stream", { method: "POST", body: text, headers });
}

export const wantsEvents = { Accept: "text/event-stream" };

export function parseEvents(body: string) {
  const blocks = body.split("\n\n").filter((block) => block.startsWith("event: "));
  return blocks.map((block) => {
    const [event = "", id = "", data = ""] = block.split("\n");
    return {
      name: event.slice("event: ".length),
      id: id.slice("id: ".length),
      event: JSON.parse(data.slice("data: ".length)) as StreamEvent,
    };
  });
}

/** For what waits for real work on a busy machine. */
const patience = { timeout: 30_000 };

/** Waits until the reply has ended. */
export async function ended(backend: Backend, chat: { chatId: string; messageId: string }) {
  await vi.waitFor(async () => {
    expect(await replyOf(backend, chat)).not.toMatchObject({ status: "running" });
  }, patience);
}
