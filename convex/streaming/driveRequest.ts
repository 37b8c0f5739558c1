/** Reads what a POST to /chat-stream asks for: to drive a reply that is there, or to begin a turn and drive its reply. */
import { appError } from "../model/appError.ts";
import { turnRequestValidator } from "../model/turnRequest.ts";
import type { TurnRequest } from "../model/turnRequest.ts";
import { systemClock } from "./clock.ts";

/** Room for the longest prompt, all of it in escapes of six bytes, and for fields that are none of ours. */
const maxBodyBytes = 2 * 1024 * 1024;

/** Each body that is awaited holds an action, of which a deployment has few; a sender whose body is that slow has other ways. */
const maxBodyMs = 20_000;

const minDriverTokenLength = 16;
const maxDriverTokenLength = 200;
const maxStreamIdLength = 200;

export type DriveRequest = { driverToken: string | undefined } & (
  | { kind: "reply"; streamId: string }
  | { kind: "turn"; turn: TurnRequest }
);

export class BodyTooLarge extends Error {
  constructor() {
    super(`The body may have at most ${maxBodyBytes} bytes.`);
    this.name = "BodyTooLarge";
  }
}

export class BodyTooSlow extends Error {
  constructor() {
    super(`The body did not come within ${maxBodyMs / 1_000} s.`);
    this.name = "BodyTooSlow";
  }
}

/**
 * What the component's hook sends is enough; fields that are not known are ignored. Throws `BodyTooLarge`, `BodyTooSlow`,
 * and `invalidInput` naming the field.
 */
export async function readDriveRequest(request: Request): Promise<DriveRequest> {
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBodyBytes) {
    throw new BodyTooLarge();
  }
  const body = parsedObject(await boundedText(request));
  const driverToken = body["runToken"];
  if (driverToken !== undefined && !isText(driverToken, minDriverTokenLength, maxDriverTokenLength)) {
    throw invalid(
      "runToken",
      `runToken must have ${minDriverTokenLength} to ${maxDriverTokenLength} characters.`,
    );
  }
  if (body["turn"] !== undefined) {
    return { kind: "turn", turn: turnRequest(body["turn"]), driverToken };
  }
  const streamId = body["streamId"];
  if (!isText(streamId, 1, maxStreamIdLength)) {
    throw invalid("streamId", "streamId must be the stream id of a reply, unless there is a turn to begin.");
  }
  return { kind: "reply", streamId, driverToken };
}

/** Checked by the validator of the mutation that gets it: all its fields are texts. */
function turnRequest(value: unknown): TurnRequest {
  if (!isObject(value)) {
    throw invalid("turn", 'turn must be an object, such as {"kind": "newChat", "prompt": "…"}.');
  }
  const members = turnRequestValidator.members;
  const member = members.find(({ fields }) => fields.kind.value === value["kind"]);
  if (member === undefined) {
    const kinds = members.map(({ fields }) => fields.kind.value).join(", ");
    throw invalid("turn.kind", `turn.kind must be one of ${kinds}.`);
  }
  const request: Record<string, string> = {};
  for (const [name, { isOptional }] of Object.entries(member.fields)) {
    const field = value[name];
    if (field === undefined && isOptional === "optional") {
      continue;
    }
    if (!isText(field, 0, maxBodyBytes)) {
      throw invalid(`turn.${name}`, `turn.${name} must be a text.`);
    }
    request[name] = field;
  }
  return request as TurnRequest;
}

/** The request's text, read no further and for no longer than the limits. */
async function boundedText(request: Request): Promise<string> {
  if (request.body === null) {
    return "";
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  // Not awaited: the answer does not depend on the client's hearing of it, nor on this succeeding.
  const giveUp = () => void reader.cancel().catch(() => {});
  let isLate = false;
  const cancelTimer = systemClock.setTimer(() => {
    isLate = true;
    // The read that is awaited then answers that it is done.
    giveUp();
  }, maxBodyMs);
  try {
    const text = await readText(reader, giveUp);
    if (isLate) {
      throw new BodyTooSlow();
    }
    return text;
  } finally {
    cancelTimer();
  }
}

async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  giveUp: () => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return text + decoder.decode();
    }
    length += value.byteLength;
    if (length > maxBodyBytes) {
      giveUp();
      throw new BodyTooLarge();
    }
    text += decoder.decode(value, { stream: true });
  }
}

/** The database refuses text with half a character in it, so such a text names nothing. */
function isText(value: unknown, minLength: number, maxLength: number): value is string {
  return (
    typeof value === "string" &&
    value.length >= minLength &&
    value.length <= maxLength &&
    value.isWellFormed()
  );
}

function parsedObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid("body", 'The body must be JSON, such as {"streamId": "…"}.');
  }
  if (!isObject(value)) {
    throw invalid("body", 'The body must be a JSON object, such as {"streamId": "…"}.');
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(field: string, message: string) {
  return appError({ kind: "invalidInput", field, message });
}
