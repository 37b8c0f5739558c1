/** A `fetch` whose answer a test writes piece by piece, and the events as the server words them. */
import type { StreamEvent } from "../../../convex/shared/streamEvents.ts";

export interface ScriptedStream {
  fetch: typeof fetch;
  /** The bodies of the requests made, oldest first. */
  requests: { url: string; headers: Headers; body: unknown }[];
  /** Whether the client has let go of the connection. */
  isAborted(): boolean;
  /** Sends the head; without it the request hangs. `refusal` is the body of an answer that is no stream. */
  answer(status?: number, refusal?: object): void;
  send(...events: StreamEvent[]): void;
  sendRaw(bytes: Uint8Array): void;
  /** Ends the body in good order. */
  end(): void;
  /** Destroys the connection. */
  cut(): void;
  /** Fails the request before it has a head. */
  refuseConnection(): void;
}

export function scriptedStream(): ScriptedStream {
  const requests: ScriptedStream["requests"] = [];
  const encoder = new TextEncoder();
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  let answer: ((response: Response) => void) | undefined;
  let fail: ((error: Error) => void) | undefined;
  let aborted = false;
  let sequence = 0;

  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      body = controller;
    },
  });
  const breakBody = (error: Error) => {
    aborted ||= error.name === "AbortError";
    try {
      body?.error(error);
    } catch {
      // The body has ended already.
    }
  };

  return {
    requests,
    isAborted: () => aborted,
    fetch: (input, init) => {
      const request = new Request(input instanceof URL ? input.href : input, init);
      requests.push({
        url: request.url,
        headers: request.headers,
        body: typeof init?.body === "string" ? JSON.parse(init.body) : null,
      });
      return new Promise((resolve, reject) => {
        answer = resolve;
        fail = reject;
        init?.signal?.addEventListener("abort", () => {
          const error = new DOMException("aborted", "AbortError");
          breakBody(error);
          reject(error);
        });
      });
    },
    answer: (status = 200, refusal) =>
      answer?.(status === 200 ? new Response(stream) : Response.json(refusal ?? "busy", { status })),
    send(...events) {
      for (const event of events) {
        const { kind, ...data } = event;
        body?.enqueue(
          encoder.encode(`event: ${kind}\nid: 1.${(sequence += 1)}\ndata: ${JSON.stringify(data)}\n\n`),
        );
      }
    },
    sendRaw: (bytes) => body?.enqueue(bytes),
    end: () => body?.close(),
    cut: () => breakBody(new TypeError("network error")),
    refuseConnection: () => fail?.(new TypeError("network error")),
  };
}
