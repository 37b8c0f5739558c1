/**
 * Reads one `POST /chat-stream` as server-sent events, from the request to the way it ended. It never throws for
 * what networks and servers do: every end is a `StreamOutcome`, and all but `finished` mean "read the database".
 */
import type { AppError } from "../../convex/shared/errors.ts";
import type { StreamEvent, Turn } from "../../convex/shared/streamEvents.ts";
import { readAppError } from "../describeError.ts";
import { countConnection } from "./liveConnections.ts";
import { parseStreamEvent, parseTurn } from "./parseStreamEvent.ts";
import { createSseParser } from "./sseParser.ts";

/**
 * A browser opens six HTTP/1.1 connections to an origin; a seventh request waits without a word. So a head that does
 * not come in this time is given up, which also frees the place in the queue.
 */
const HEAD_TIMEOUT_MS = 5_000;
/** The server pings while the model is silent; longer silence than this means that nobody is there any more. */
const STALL_TIMEOUT_MS = 12_000;
/** A busy page is late too, but not by as much. */
const SLEPT_MS = 3_000;
const AFTER_SLEEP_MS = 2_000;

export type StreamOutcome =
  /** A `done` or `error` event came: the server has said its last word. */
  | { kind: "finished"; last: Extract<StreamEvent, { kind: "done" | "error" }> }
  /** An answer other than 200: somebody else drives, or the server is busy. */
  | ({ kind: "refused" } & Refusal)
  /** The connection failed, or the body ended without a last word. */
  | { kind: "cut" }
  | { kind: "stalled"; waitingFor: "head" | "body" }
  | { kind: "aborted" };

export interface Refusal {
  httpStatus: number;
  /** What the server says; null where the answer is not the app's, such as a gateway's. */
  error: AppError | null;
  /** The turn that the request was for, if the server has it by now: its reply is written without this client. */
  turn: Turn | null;
}

/** What is asked for: a reply that is there, or one to a message that the request brings along. */
export interface DriveBody {
  streamId?: string;
  turn?: object;
  /** Minted by this client; makes the claim idempotent. At least 16 characters. */
  runToken: string;
}

export interface ChatStreamRequest {
  url: string;
  body: DriveBody;
  signal: AbortSignal;
  onEvent: (event: StreamEvent) => void;
  /** Called for every piece of the body, pings included. */
  onActivity?: () => void;
  fetch?: typeof fetch;
  headTimeoutMs?: number;
  stallTimeoutMs?: number;
}

/** Opens the stream and reads it to its end; resolves, and never rejects. `onEvent` is not called after it resolves. */
export async function readChatStream(request: ChatStreamRequest): Promise<StreamOutcome> {
  const { headTimeoutMs = HEAD_TIMEOUT_MS, stallTimeoutMs = STALL_TIMEOUT_MS } = request;
  const connection = new AbortController();
  const abort = () => connection.abort();
  if (request.signal.aborted) return { kind: "aborted" };
  request.signal.addEventListener("abort", abort, { once: true });
  const watchdog = createWatchdog(abort);
  watchdog.restart(headTimeoutMs);
  let waitingFor: "head" | "body" = "head";
  const connectionIsClosed = countConnection();
  try {
    const response = await openStream(request, connection.signal);
    if (!response.ok || response.body === null) return { kind: "refused", ...(await readRefusal(response)) };
    waitingFor = "body";
    watchdog.restart(stallTimeoutMs);
    const last = await readEvents(response.body, request, () => {
      watchdog.restart(stallTimeoutMs);
      request.onActivity?.();
    });
    return last === null ? { kind: "cut" } : { kind: "finished", last };
  } catch {
    // fetch and the body reader throw for an abort and for any network fault alike; who aborted tells them apart.
    if (request.signal.aborted) return { kind: "aborted" };
    return watchdog.expired() ? { kind: "stalled", waitingFor } : { kind: "cut" };
  } finally {
    watchdog.stop();
    request.signal.removeEventListener("abort", abort);
    connection.abort();
    connectionIsClosed();
  }
}

function openStream(request: ChatStreamRequest, signal: AbortSignal): Promise<Response> {
  const send = request.fetch ?? fetch;
  return send(request.url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
    body: JSON.stringify(request.body),
    signal,
    cache: "no-store",
  });
}

async function readRefusal(response: Response): Promise<Refusal> {
  let answer: unknown = null;
  try {
    answer = await response.json();
  } catch {
    // Not the app's own answer, or only half of it: the status is all there is to know.
  }
  const turn = typeof answer === "object" && answer !== null && "turn" in answer ? answer.turn : null;
  return { httpStatus: response.status, error: readAppError(answer), turn: parseTurn(turn) };
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  request: ChatStreamRequest,
  onChunk: () => void,
): Promise<Extract<StreamEvent, { kind: "done" | "error" }> | null> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = createSseParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return null;
    onChunk();
    for (const message of parser.push(decoder.decode(value, { stream: true }))) {
      const event = parseStreamEvent(message);
      if (event === null) continue;
      if (request.signal.aborted) throw new DOMException("the reader was stopped", "AbortError");
      request.onEvent(event);
      if (event.kind === "done" || event.kind === "error") return event;
    }
  }
}

interface Watchdog {
  restart(ms: number): void;
  stop(): void;
  expired(): boolean;
}

/**
 * A timer that comes much too late has slept with the device: what arrived meanwhile is read only after it, so the
 * connection gets a moment to show that it lives.
 */
function createWatchdog(onExpire: () => void): Watchdog {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let hasExpired = false;
  const stop = () => clearTimeout(timer);
  const expire = () => {
    hasExpired = true;
    onExpire();
  };
  return {
    restart(ms) {
      stop();
      const dueAt = Date.now() + ms;
      timer = setTimeout(() => {
        if (Date.now() - dueAt > SLEPT_MS) timer = setTimeout(expire, AFTER_SLEEP_MS);
        else expire();
      }, ms);
    },
    stop,
    expired: () => hasExpired,
  };
}
