/** What a person may ask for that begins a turn: one union for the POST, the mutations, the outbox and the page. */
import type { ConvexReactClient } from "convex/react";
import type { FunctionArgs } from "convex/server";
import { api } from "../../convex/_generated/api.js";
import type { Turn } from "../../convex/shared/streamEvents.ts";
import { editDraftKey, NEW_CHAT_DRAFT } from "./drafts.ts";

/** Each is carried out once, however often it is asked for: that is what `clientRequestId` is for. */
export type TurnRequest =
  | ({ kind: "newChat"; clientRequestId: string } & FunctionArgs<typeof api.chats.createChat>)
  | ({ kind: "message" } & FunctionArgs<typeof api.messages.send>)
  | ({ kind: "edit" } & FunctionArgs<typeof api.messages.edit>)
  | ({ kind: "regenerate" } & FunctionArgs<typeof api.messages.regenerate>)
  | ({ kind: "continue" } & FunctionArgs<typeof api.messages.continueReply>);

type WithoutId<Request> = Request extends unknown ? Omit<Request, "clientRequestId"> : never;

/** A request that has not been given its id yet. */
export type NewTurn = WithoutId<TurnRequest>;

/** What the person wrote; null for a request without words. */
export function textOf(request: NewTurn): string | null {
  switch (request.kind) {
    case "newChat":
      return request.prompt;
    case "message":
    case "edit":
      return request.text;
    case "regenerate":
    case "continue":
      return null;
    default:
      return request satisfies never;
  }
}

/**
 * The request with its text as the server will hold it: half a character, left over where a text was cut, travels in no
 * JSON and becomes U+FFFD.
 */
export function wellFormed<Request extends NewTurn>(request: Request): Request {
  switch (request.kind) {
    case "newChat":
      return { ...request, prompt: request.prompt.toWellFormed() };
    case "message":
    case "edit":
      return { ...request, text: request.text.toWellFormed() };
    case "regenerate":
    case "continue":
      return request;
    default:
      return request satisfies never;
  }
}

/** Where the text came from, and where it goes back to with the reason if it is refused. */
export function draftKeyOf(request: NewTurn, chatId: string | null): string {
  return request.kind === "edit" ? editDraftKey(request.messageId) : (chatId ?? NEW_CHAT_DRAFT);
}

/** Asks over the database's own connection, which waits for the network as long as the page lives. */
export function submitTurn(convex: ConvexReactClient, request: TurnRequest): Promise<Turn> {
  switch (request.kind) {
    case "newChat":
      return convex.mutation(api.chats.createChat, argsOf(request));
    case "message":
      return convex.mutation(api.messages.send, argsOf(request));
    case "edit":
      return convex.mutation(api.messages.edit, argsOf(request));
    case "regenerate":
      return convex.mutation(api.messages.regenerate, argsOf(request));
    case "continue":
      return convex.mutation(api.messages.continueReply, argsOf(request));
    default:
      return request satisfies never;
  }
}

/** What a request must hold to be one; the rest of it may be left out. */
const requiredFields = {
  newChat: ["prompt"],
  message: ["chatId", "text"],
  edit: ["messageId", "text"],
  regenerate: ["messageId"],
  continue: ["messageId"],
} as const satisfies Record<TurnRequest["kind"], readonly string[]>;

/** Reads a request that was written down as JSON; null for anything else. */
export function parseTurnRequest(value: unknown): TurnRequest | null {
  if (typeof value !== "object" || value === null) return null;
  const { kind, ...fields } = value as Record<string, unknown>;
  if (typeof kind !== "string" || !Object.hasOwn(requiredFields, kind)) return null;
  const required: readonly string[] = requiredFields[kind as TurnRequest["kind"]];
  const isWhole = ["clientRequestId", ...required].every((name) => typeof fields[name] === "string");
  const isText = Object.values(fields).every((field) => typeof field === "string");
  return isWhole && isText ? (value as TurnRequest) : null;
}

function argsOf<Request extends TurnRequest>({ kind: _kind, ...args }: Request): Omit<Request, "kind"> {
  return args;
}
