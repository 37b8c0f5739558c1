/** Decodes and checks a frame of a sync client, in the main thread: what passes here has the shape of SyncClientMessage. */
import type { AdminKey } from "../auth/adminKey.ts";
import { wrongAdminKey } from "../auth/adminKey.ts";
import { impersonatedAttributes } from "../auth/userAttributes.ts";
import { asArray, asCount, asObject, asString, refuseDeepNesting, type JsonObject } from "../http/shape.ts";
import type { UserAttributes } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { checkedFunctionName } from "../protocol/functionPath.ts";
import type { Credential } from "../protocol/mainMessages.ts";
import {
  decodeTs,
  type SyncClientMessage,
  type SyncFunctionRequest,
  type SyncQueryChange,
} from "../protocol/syncMessages.ts";

/** Throws BadRequest, naming the field. */
export function decodeClientMessage(frame: string, adminKey: AdminKey): SyncClientMessage {
  const message = asObject(parse(frame), "A frame");
  switch (message["type"]) {
    case "Connect":
      return {
        type: "Connect",
        sessionId: asUuid(message["sessionId"], "sessionId"),
        maxObservedTs: optionalTs(message["maxObservedTimestamp"]),
        // JSON can say numbers that it cannot say back: 1e999.
        clientTs: Number.isFinite(message["clientTs"]) ? (message["clientTs"] as number) : null,
      };
    case "Authenticate":
      return {
        type: "Authenticate",
        baseVersion: asCount(message["baseVersion"], "baseVersion"),
        credential: credentialOf(message, adminKey),
      };
    case "ModifyQuerySet":
      return {
        type: "ModifyQuerySet",
        baseVersion: asCount(message["baseVersion"], "baseVersion"),
        newVersion: asCount(message["newVersion"], "newVersion"),
        modifications: asArray(message["modifications"], "modifications").map(queryChange),
      };
    case "Mutation":
      return { type: "Mutation", ...functionRequest(message) };
    case "Action":
      return { type: "Action", ...functionRequest(message) };
    case "Event":
      return { type: "Event" };
    default:
      throw new DeploymentError("BadRequest", `Unknown message type ${named(message["type"])}.`);
  }
}

function parse(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch (cause) {
    throw new DeploymentError("BadRequest", "A frame is not JSON.", { cause });
  }
}

function credentialOf(message: JsonObject, adminKey: AdminKey): Credential {
  switch (message["tokenType"]) {
    case "None":
      return { kind: "anonymous" };
    case "User":
      return { kind: "bearer", token: asString(message["value"], "value") };
    case "Admin": {
      // A refusal is not a broken frame: the session answers it with an AuthError.
      if (!adminKey.matches(asString(message["value"], "value"))) {
        return { kind: "refused", reason: wrongAdminKey().message };
      }
      return { kind: "admin", impersonating: impersonatedBy(message) };
    }
    default:
      throw new DeploymentError("BadRequest", `Unknown token type ${named(message["tokenType"])}.`);
  }
}

function impersonatedBy({ impersonating }: JsonObject): UserAttributes | null {
  try {
    return impersonating == null ? null : impersonatedAttributes(impersonating);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DeploymentError("BadRequest", `impersonating: ${reason}`, { cause });
  }
}

function queryChange(value: unknown): SyncQueryChange {
  const change = asObject(value, "A modification");
  const queryId = asCount(change["queryId"], "queryId");
  if (change["type"] === "Remove") return { type: "Remove", queryId };
  if (change["type"] !== "Add") {
    throw new DeploymentError("BadRequest", `Unknown modification ${named(change["type"])}.`);
  }
  const { journal } = change;
  return { type: "Add", queryId, ...callOf(change), journal: typeof journal === "string" ? journal : null };
}

function functionRequest(message: JsonObject): SyncFunctionRequest {
  return { requestId: asCount(message["requestId"], "requestId"), ...callOf(message) };
}

function callOf(message: JsonObject): { componentPath: string; name: string; argsJson: string } {
  const args = asArray(message["args"], "args");
  if (args.length !== 1) throw new DeploymentError("BadRequest", "args must hold one object.");
  refuseDeepNesting(args, "args");
  const componentPath = message["componentPath"];
  return {
    componentPath: typeof componentPath === "string" ? componentPath : "",
    name: checkedFunctionName(asString(message["udfPath"], "udfPath")),
    argsJson: JSON.stringify(args[0]),
  };
}

/** Sessions are told apart by it, for a day: a name that another client may hit upon would give it this one's results. */
function asUuid(value: unknown, what: string): string {
  const text = asString(value, what);
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new DeploymentError("BadRequest", `${what} must be a UUID.`);
}

/** For a sentence: what is of another shape, or long, is not repeated. */
function named(value: unknown): string {
  return typeof value === "string" && value.length <= 40 ? JSON.stringify(value) : "that is none";
}

function optionalTs(value: unknown): bigint | null {
  if (value === undefined || value === null) return null;
  try {
    return decodeTs(asString(value, "maxObservedTimestamp"));
  } catch (cause) {
    throw new DeploymentError("BadRequest", "maxObservedTimestamp is not a timestamp.", { cause });
  }
}
