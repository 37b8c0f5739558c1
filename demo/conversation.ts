/** What all wire formats boil down to: a request with its conversation. Owns nothing of HTTP. */

export interface Turn {
  role: "user" | "assistant";
  text: string;
}

export type Wire = "openai" | "anthropic" | "responses";

export interface ModelRequest {
  wire: Wire;
  model: string;
  system: string;
  /** Oldest first; system turns are in `system`. */
  turns: Turn[];
  stream: boolean;
  /** OpenAI only: send a last chunk that carries the usage. */
  includeUsage: boolean;
  /** OpenAI Responses only: it goes on without its connection. */
  isBackground: boolean;
  maxTokens: number | null;
}

/** A request this server refuses the way the provider would; `code` is OpenAI's `error.code`. */
export class RefusedRequest extends Error {
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null = null) {
    super(message);
    this.name = "RefusedRequest";
    this.status = status;
    this.code = code;
  }
}

type JsonObject = Record<string, unknown>;

export function requireObject(value: unknown, name: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RefusedRequest(400, `${name}: expected an object`);
  }
  return value as JsonObject;
}

export function requireMessages(body: JsonObject): JsonObject[] {
  const messages = body["messages"];
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new RefusedRequest(400, "messages: expected a list with at least one message");
  }
  return messages.map((message, index) => requireObject(message, `messages.${index}`));
}

/** The text of a message's content, which both providers accept as a string or as a list of parts. */
export function contentText(content: unknown, name: string): string {
  if (typeof content === "string") {
    return content;
  }
  if (!Array.isArray(content)) {
    throw new RefusedRequest(400, `${name}: expected a string or a list of content parts`);
  }
  return content
    .map((part, index) => {
      const { type, text } = requireObject(part, `${name}.${index}`);
      if (typeof type !== "string") {
        throw new RefusedRequest(400, `${name}.${index}.type: expected a string`);
      }
      return typeof text === "string" ? text : `[${type}]`;
    })
    .join("");
}

export function optionalPositiveInteger(value: unknown, name: string): number | null {
  if (value === undefined || value === null) {
    return null;
  }
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1) {
    throw new RefusedRequest(400, `${name}: expected an integer of at least 1`);
  }
  return value;
}

export function requireModel(body: JsonObject, known: readonly string[]): string {
  const model = body["model"];
  if (typeof model !== "string" || model === "") {
    throw new RefusedRequest(400, "model: expected the id of a model");
  }
  if (!known.includes(model)) {
    throw new RefusedRequest(
      404,
      `The model '${model}' does not exist; this server has: ${known.join(", ")}`,
      "model_not_found",
    );
  }
  return model;
}
