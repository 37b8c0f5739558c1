/**
 * OpenAI Responses: OpenAI's own models, and every proxy that speaks as OpenAI does. A resumable response is made in
 * the background: it goes on at the server when a connection breaks, and is read on from there, by this action or by
 * the next one.
 *
 *     create --> events --- the last one ---> over
 *                  ^  | the connection breaks, or ends early
 *         events   |  v
 *     after the last  ask for it --- too old to be streamed ---> look at it until it has ended --> over
 */
import { APIError } from "openai";
import type OpenAI from "openai";
import type {
  Response,
  ResponseCreateParamsStreaming,
  ResponseStreamEvent,
} from "openai/resources/responses/responses";
import type { Endpoint } from "./modelChoice.ts";
import { asOpenAIFailure, openaiClient } from "./openaiClient.ts";
import { ProviderError } from "./provider.ts";
import type { Provider, ProviderEvent, ProviderRequest } from "./provider.ts";
import { ResponseReader } from "./responseReader.ts";

/** Waits before a response whose connection broke is asked for again; so often in a row without a new event. */
const reconnectWaitsMs = [200, 1_000, 3_000, 5_000, 10_000, 10_000];

/**
 * OpenAI streams a response for five minutes after it began; an older one can only be looked at, so often. Also one
 * whose streams bring nothing any more while the server says that it goes on.
 */
const lookAgainMs = 2_000;

const cancelTimeoutMs = 5_000;

type Access = Pick<Endpoint, "apiKey" | "baseUrl" | "isResumable">;
type Events = AsyncIterable<ResponseStreamEvent>;

/** What it takes to read one response. */
interface Link {
  client: OpenAI;
  reader: ResponseReader;
  signal: AbortSignal;
}

export function openaiResponses(access: Access): Provider {
  const client = openaiClient(access);
  const isResumable = access.isResumable ?? false;
  return {
    stream: (request, signal) => {
      const body = requestBody(request, isResumable);
      const link = { client, reader: new ResponseReader(isResumable), signal };
      return follow(link, () => create(link, body, access.baseUrl));
    },
    // Also where the setting is off by now: what was begun with it may still be resumed.
    resume: (id, signal) => {
      const link = { client, reader: new ResponseReader(true, id), signal };
      return follow(link, () => replay(link));
    },
    cancel: async (id) => {
      try {
        await client.responses.cancel(id, { timeout: cancelTimeoutMs });
      } catch (error) {
        throw asOpenAIFailure(error);
      }
    },
  };
}

function requestBody(request: ProviderRequest, isResumable: boolean): ResponseCreateParamsStreaming {
  return {
    model: request.model,
    input: request.turns.map(({ role, text }) => ({ role, content: text })),
    ...(request.maxOutputTokens === null ? {} : { max_output_tokens: request.maxOutputTokens }),
    ...(request.reasons === true ? { reasoning: { summary: "auto" } } : {}),
    ...(isResumable ? { background: true, store: true } : { store: false }),
    stream: true,
  };
}

async function create(
  link: Link,
  body: ResponseCreateParamsStreaming,
  baseUrl: string | undefined,
): Promise<Events> {
  const { client, signal } = link;
  try {
    return await client.responses.create(body, { signal });
  } catch (error) {
    if (body.reasoning && isRefused(error, 400) && error.param?.startsWith("reasoning")) {
      // Summaries are for verified organisations and for models that think; the reply is for all.
      const { reasoning: _, ...rest } = body;
      return await create(link, rest, baseUrl);
    }
    throw baseUrl !== undefined && knowsNoResponses(error) ? asMissing(error, baseUrl) : error;
  }
}

/** The events after those that were read. */
async function replay({ client, reader, signal }: Link): Promise<Events> {
  const { id, lastSequence } = reader;
  const after = lastSequence === null ? {} : { starting_after: lastSequence };
  return await client.responses.retrieve(id ?? "", { stream: true, ...after }, { signal });
}

/** Reads the events of `open`, and of a resumable response also what comes after its connection broke. */
async function* follow(link: Link, open: () => Promise<Events>): AsyncGenerator<ProviderEvent> {
  const { reader, signal } = link;
  let isTooOld = false;
  for (let source = open, broken = 0; ; source = () => replay(link), broken++) {
    const before = reader.lastSequence;
    try {
      if (!isTooOld) {
        yield* eventsOf(reader, await source());
      }
      if (!reader.goesOnWithoutUs) {
        return;
      }
      yield* lookAt(link);
      if (reader.hasEnded) {
        return;
      }
      broken = isTooOld ? 0 : broken;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!mayBeReadOn(error, reader, isTooOld) || broken >= reconnectWaitsMs.length) {
        throw asOpenAIFailure(error);
      }
      if (isRefused(error, 400)) {
        isTooOld = true;
        continue;
      }
    }
    broken = reader.lastSequence === before ? broken : 0;
    await sleep(isTooOld ? lookAgainMs : (reconnectWaitsMs[broken] ?? lookAgainMs), signal);
  }
}

function mayBeReadOn(error: unknown, reader: ResponseReader, isTooOld: boolean): boolean {
  const canBeLookedAt = isRefused(error, 400) && !isTooOld;
  return reader.goesOnWithoutUs && (canBeLookedAt || asOpenAIFailure(error).isRetryable);
}

async function* eventsOf(reader: ResponseReader, events: Events): AsyncGenerator<ProviderEvent> {
  for await (const event of events) {
    yield* reader.read(event);
  }
}

/** Brings what is left of a response that has ended, and of any other the news that it goes on. */
async function* lookAt({ client, reader, signal }: Link): AsyncGenerator<ProviderEvent> {
  const id = reader.id ?? "";
  const response = await client.responses.retrieve(id, {}, { signal });
  if (isUnderWay(response)) {
    yield { kind: "response", id };
  } else {
    yield* reader.readWhole(response);
  }
}

function isUnderWay({ status }: Response): boolean {
  return status === "queued" || status === "in_progress";
}

function isRefused(error: unknown, status: number): error is APIError {
  return error instanceof APIError && error.status === status;
}

/** A server that has no such model answers with the same status. */
function knowsNoResponses(error: unknown): boolean {
  const isUnknown = isRefused(error, 404) || isRefused(error, 405);
  return isUnknown && error.code !== "model_not_found" && error.param !== "model";
}

function asMissing(error: unknown, baseUrl: string): ProviderError {
  const message =
    `The server at OPENAI_BASE_URL (${baseUrl}) does not speak OpenAI Responses. If it speaks chat completions, name ` +
    "it in OPENAI_COMPATIBLE_BASE_URL and its models in OPENAI_COMPATIBLE_MODELS.";
  return new ProviderError("invalidRequest", message, { cause: error });
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return;
  }
  await new Promise<void>((resolve) => {
    const timer = setTimeout(wake, ms);
    function wake() {
      clearTimeout(timer);
      signal.removeEventListener("abort", wake);
      resolve();
    }
    signal.addEventListener("abort", wake);
  });
}
