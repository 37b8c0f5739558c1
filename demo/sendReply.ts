/** One reply from its plan to the last byte, in whichever wire format, streaming or whole. */
import type { ServerResponse } from "node:http";
import { BackgroundResponse } from "./backgroundResponses.ts";
import type { BackgroundResponses } from "./backgroundResponses.ts";
import { RefusedRequest, type ModelRequest } from "./conversation.ts";
import { goneSignal, openEventBody } from "./eventBody.ts";
import { paceReply, type PacingDefaults } from "./replyPacing.ts";
import { planReply, type ReplyPlan } from "./replyPlan.ts";
import type { LoggedRequest, RequestLog } from "./requestLog.ts";
import { failedResponse, responseObject } from "./responsesFormat.ts";
import { tokenise } from "./tokenise.ts";
import type { ReplyIdentity, WireFormat } from "./wireFormat.ts";

export interface ReplySettings {
  format: WireFormat;
  requestId: string;
  log: RequestLog;
  responses: BackgroundResponses;
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
  response.setHeader(format.requestIdHeader, `req_${requestId}`);
  const work = { reply, plan, logged, isFaulty };
  if (request.isBackground) {
    await sendFromBackground(response, request.stream, work, settings);
  } else {
    await sendWhileConnected(response, request.stream, work, settings);
  }
  log.forgetHold(requestId);
}

interface Work {
  reply: ReplyIdentity;
  plan: ReplyPlan;
  logged: LoggedRequest;
  isFaulty: boolean;
}

/** The reply ends with its connection. */
async function sendWhileConnected(
  response: ServerResponse,
  isStream: boolean,
  work: Work,
  settings: ReplySettings,
): Promise<void> {
  const { logged, plan } = work;
  const gone = goneSignal(response);
  gone.addEventListener("abort", () => (logged.endedAtMs = Date.now()));
  const body = isStream ? openEventBody(response, plan.directives.chunk, gone) : null;
  await sendTokens(work, settings, {
    gone,
    goesOnUnread: false,
    unread: () => new Promise(() => {}),
    write: async (events) => await body?.write(events),
    // Not `destroy()`: the tokens before the cut are to arrive.
    cut: () => response.socket?.destroySoon(),
    end(whole) {
      if (body === null) {
        sendWhole(response, whole);
      } else {
        response.end();
      }
    },
  });
  if (logged.state === "streaming" || logged.state === "onHold") {
    logged.state = "clientGone";
  }
}

function sendWhole(response: ServerResponse, whole: object | null): void {
  if (whole === null) {
    throw new RefusedRequest(500, "The demo server was told to fail.");
  }
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(whole));
}

/** The reply goes on to its end, whoever reads it. */
async function sendFromBackground(
  response: ServerResponse,
  isStream: boolean,
  work: Work,
  settings: ReplySettings,
): Promise<void> {
  const begun = responseObject(work.reply, "in_progress");
  const background = new BackgroundResponse(work.logged, begun);
  settings.responses.add(begun.id, background);
  if (!isStream) {
    sendWhole(response, begun);
  }
  const reading = isStream ? background.read(response) : Promise.resolve();
  await sendTokens(work, settings, {
    gone: background.cancelled,
    goesOnUnread: true,
    unread: () => background.unread(),
    write: async (events) => background.record(events),
    cut: () => background.cut(),
    end: (whole) => background.end((whole as typeof begun | null) ?? failedResponse(work.reply)),
  });
  await reading;
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

/** Where a reply goes: into one connection, or to whoever reads it. */
interface Outlet {
  /** Nothing more is wanted. */
  gone: AbortSignal;
  goesOnUnread: boolean;
  /** Settles when those who read now have gone; never where that is the end. */
  unread(): Promise<void>;
  write(events: string): Promise<void>;
  cut(): void;
  /** With the whole reply; null for one that failed. */
  end(whole: object | null): void;
}

async function sendTokens(
  { reply, plan, logged, isFaulty }: Work,
  { format, log, pacing }: ReplySettings,
  outlet: Outlet,
): Promise<void> {
  let outputTokens = 0;
  const { goesOnUnread } = outlet;
  const faults = {
    isFaulty,
    goesOnUnread,
    unread: () => outlet.unread(),
    release: () => log.hold(logged),
  };
  await outlet.write(format.opening(reply));
  for await (const paced of paceReply(plan, pacing, faults, outlet.gone)) {
    if (reply.thinks && logged.sentText === "" && paced.kind !== "thought") {
      await outlet.write(format.thoughtEnd(reply));
    }
    switch (paced.kind) {
      case "thought":
        logged.sentReasoning += paced.text;
        await outlet.write(format.thought(reply, paced.text));
        break;
      case "token":
        outputTokens++;
        logged.sentText += paced.text;
        logged.unsentTokens--;
        await outlet.write(format.token(reply, paced.text));
        break;
      case "cut":
        logged.state = goesOnUnread ? logged.state : "cut";
        outlet.cut();
        break;
      case "error":
        logged.state = "cut";
        await outlet.write(format.midStreamError(reply));
        outlet.end(null);
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
        await outlet.write(format.ending(reply, end));
        outlet.end(format.whole(reply, end));
        return;
      }
      default:
        paced satisfies never;
    }
  }
}

function inputTokensOf({ system, turns }: ModelRequest): number {
  const perMessage = 4;
  return [system, ...turns.map((turn) => turn.text)].reduce(
    (sum, text) => sum + tokenise(text).length + perMessage,
    0,
  );
}
