/** `fetch` that notes what each POST to /chat-stream was answered, and hands the answer on as it is. */
import { createSseParser } from "../../src/streaming/sseParser.ts";
import { parseStreamEvent } from "../../src/streaming/parseStreamEvent.ts";
import type { PostEvidence } from "./evidence.ts";

/** `hasUnknownFields`: what is sent carries fields besides, which the server does not know. */
export function watchedFetch(posts: PostEvidence[], hasUnknownFields = false): typeof fetch {
  return async (input, init) => {
    const body = typeof init?.body === "string" ? init.body : "{}";
    const asked = JSON.parse(body) as { runToken?: string; turn?: object };
    const { runToken, turn } = asked;
    const post: PostEvidence = {
      runToken: runToken ?? "",
      hasUnknownFields,
      carriesTurn: turn !== undefined,
      sentAtMs: Date.now(),
      answeredAtMs: null,
      isOver: false,
      httpStatus: null,
      attempt: null,
      liveLength: 0,
      last: null,
    };
    posts.push(post);
    const sent = hasUnknownFields ? JSON.stringify(withUnknownFields(asked)) : body;
    const response = await fetch(input, { ...init, body: sent }).catch((error: unknown) => {
      post.isOver = true;
      throw error;
    });
    post.answeredAtMs = Date.now();
    post.httpStatus = response.status;
    if (!response.ok || response.body === null) return response;
    return new Response(response.body.pipeThrough(noting(post)), response);
  };
}

function withUnknownFields({ turn, ...rest }: { turn?: object }): object {
  const unknown = { prompt: "What is this?", since: 7, nested: { chatId: [null, "\u{1f311}"] } };
  return { ...unknown, ...rest, ...(turn === undefined ? {} : { turn: { unknown, ...turn } }) };
}

function noting(post: PostEvidence): TransformStream<Uint8Array, Uint8Array> {
  const parser = createSseParser();
  const decoder = new TextDecoder();
  return new TransformStream({
    transform(bytes, controller) {
      for (const message of parser.push(decoder.decode(bytes, { stream: true }))) {
        const event = parseStreamEvent(message);
        if (event?.kind === "start") post.attempt = event.attempt;
        if (event?.kind === "text") post.liveLength = event.offset + event.text.length;
        if (event?.kind === "done" || event?.kind === "error") post.last = event.kind;
      }
      controller.enqueue(bytes);
    },
  });
}
