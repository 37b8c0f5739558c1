/** What a wire format has to provide; the implementations know nothing of timing or of HTTP. */
import type { ModelRequest, RefusedRequest } from "./conversation.ts";
import type { Directives } from "./directives.ts";

export interface ReplyIdentity {
  requestId: string;
  model: string;
  inputTokens: number;
  includeUsage: boolean;
  /** Reasoning comes before the text. */
  thinks: boolean;
}

export interface ReplyEnd {
  text: string;
  reasoning: string;
  reasoningTokens: number;
  /** Those of the reasoning included. */
  outputTokens: number;
  finish: Directives["finish"];
}

export interface WireFormat {
  /** @throws RefusedRequest, with the status and the words of the provider. */
  parse(body: unknown, models: readonly string[]): ModelRequest;
  requestIdHeader: string;
  /** Each returns a complete piece of the SSE body. */
  opening(reply: ReplyIdentity): string;
  thought(reply: ReplyIdentity, text: string): string;
  /** Between the last thought and the first token. */
  thoughtEnd(reply: ReplyIdentity): string;
  token(reply: ReplyIdentity, text: string): string;
  ending(reply: ReplyIdentity, end: ReplyEnd): string;
  midStreamError(reply: ReplyIdentity): string;
  /** The answer to a request that does not stream. */
  whole(reply: ReplyIdentity, end: ReplyEnd): object;
  errorBody(refused: RefusedRequest, requestId: string): object;
}
