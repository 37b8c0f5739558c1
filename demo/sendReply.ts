/** One reply from its plan to the last byte, in whichever wire format, streaming or whole. */
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { RefusedRequest, type ModelRequest } from "./conversation.ts";
import { paceReply, type PacingDefaults } from "./replyPacing.ts";
import { planReply, type ReplyPlan } from "./replyPlan.ts";
import type { LoggedRequest, RequestLog } from "./requestLog.ts";
import { tokenise } from "./tokenise.ts";
import type { ReplyIdentity, WireFormat } from "./wireFormat.ts";

export interface ReplySettings {
  format: WireFormat;
  requestId: string;
  log: RequestLog;
  pacing: PacingDefaults;
}

/** @throws RefusedRequest before the first byte of a streaming reply. */
export async function sendReply(
  response: ServerResponse,
  request: ModelRequest,
  settings: ReplySettings,
): Promise<void> {
  const { format, requestId, log } = settings;
  const plan = planReply(request);
  const logged = log.add(requestId, request, plan);
  const isFaulty = log.countAttempt(plan);
  if (isFaulty) {
    refuseAsAsked(plan, logged);
  }
  const reply: ReplyIdentity = {
    requestId,
    model: request.model,
    inputTokens: inputTokensOf(request),
    includeUsage: request.includeUsage,
    thinks: plan.thoughts.length > 0,
  };
  const gone = new AbortController();
  response.once("close", () => {
    logged.endedAtMs = Date.now();
    gone.abort();
  });
  response.setHeader(format.requestIdHeader, `req_${requestId}`);
  const body = request.stream ? openStream(response, plan.directives.chunk, gone.signal) : null;
  await body?.write(format.opening(reply));
  await sendTokens({ response, body, reply, plan, logged, isFaulty, gone: gone.signal }, settings);
  log.forgetHold(requestId);
  if (logged.state === "streaming" || logged.state === "onHold") {
    logged.state = "clientGone";
  }
}

function refuseAsAsked({ directives: { refuse } }: ReplyPlan, logged: LoggedRequest): void {
  if (refuse === null) {
    return;
  }
  logged.state = "refused";
  if (refuse === "context") {
    throw new RefusedRequest(
      400,
      "prompt is too long: this model's maximum context length is 128000 tokens. Please reduce the length of the messages.",
      "context_length_exceeded",
    );
  }
  throw new RefusedRequest(refuse, refusals.get(refuse) ?? `The demo server was told to answer ${refuse}.`);
}

/** In the words of the providers, so that what a person gets to read is what they would read. */
const refusals = new Map([
  [401, "Incorrect API key provided. You can find your API key in your account settings."],
  [403, "Your account is not allowed to use this model."],
  [429, "Rate limit reached for requests. Please try again in 20s."],
  [500, "The server had an error while processing your request."],
  [503, "The engine is currently overloaded, please try again later."],
  [529, "Overloaded"],
]);

interface OpenReply {
  response: ServerResponse;
  /** Null: the reply is sent whole. */
  body: EventBody | null;
  reply: ReplyIdentity;
  plan: ReplyPlan;
  logged: LoggedRequest;
  isFaulty: boolean;
  gone: AbortSignal;
}

async function sendTokens(open: OpenReply, { format, log, pacing }: ReplySettings): Promise<void> {
  const { response, body, reply, plan, logged, isFaulty, gone } = open;
  let outputTokens = 0;
  const faults = { isFaulty, release: () => log.hold(logged) };
  for await (const paced of paceReply(plan, pacing, faults, gone)) {
    if (reply.thinks && logged.sentText === "" && paced.kind !== "thought") {
      await body?.write(format.thoughtEnd(reply));
    }
    switch (paced.kind) {
      case "thought":
        logged.sentReasoning += paced.text;
        await body?.write(format.thought(reply, paced.text));
        break;
      case "token":
        outputTokens++;
        logged.sentText += paced.text;
        logged.unsentTokens--;
        await body?.write(format.token(reply, paced.text));
        break;
      case "cut":
        logged.state = "cut";
        // Not `destroy()`: the tokens before the cut are to arrive.
        response.socket?.destroySoon();
        return;
      case "error":
        logged.state = "cut";
        if (body === null) {
          throw new RefusedRequest(500, "The demo server was told to fail.");
        }
        await body.write(format.midStreamError(reply));
        response.end();
        return;
      case "finish": {
        logged.state = "finished";
        const end = {
          text: logged.sentText,
          reasoning: logged.sentReasoning,
          reasoningTokens: plan.thoughts.length,
          outputTokens: outputTokens + plan.thoughts.length,
          finish: plan.finish,
        };
        if (body === null) {
          response.setHeader("content-type", "application/json");
          response.end(JSON.stringify(format.whole(reply, end)));
        } else {
          await body.write(format.ending(reply, end));
          response.end();
        }
        return;
      }
      default:
        paced satisfies never;
    }
  }
}

interface EventBody {
  /** Settles when the reader can take more, or has gone. */
  write(events: string): Promise<void>;
}

function openStream(response: ServerResponse, chunkBytes: number | null, gone: AbortSignal): EventBody {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  });
  if (chunkBytes === null) {
    return { write: (events) => writeBytes(response, events, gone) };
  }
  return {
    async write(events) {
      const bytes = Buffer.from(events);
      for (let from = 0; from < bytes.length; from += chunkBytes) {
        await writeBytes(response, bytes.subarray(from, from + chunkBytes), gone);
        await nextTurn();
      }
    },
  };
}

async function writeBytes(
  response: ServerResponse,
  bytes: string | Buffer,
  gone: AbortSignal,
): Promise<void> {
  if (!gone.aborted && !response.write(bytes)) {
    // The only rejection is the abort: the reader has gone, and the pacing ends by itself.
    await once(response, "drain", { signal: gone }).catch(() => undefined);
  }
}

function inputTokensOf({ system, turns }: ModelRequest): number {
  const perMessage = 4;
  return [system, ...turns.map((turn) => turn.text)].reduce(
    (sum, text) => sum + tokenise(text).length + perMessage,
    0,
  );
}
