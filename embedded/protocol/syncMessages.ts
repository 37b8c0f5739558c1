/**
 * The frames of the sync WebSocket (`convex/src/browser/sync/protocol.ts`), client side as decoded at the edge:
 * arguments are already encoded Convex JSON, and the credential of an Authenticate is already split.
 */
import type { Credential } from "./mainMessages.ts";

export type SyncQueryChange =
  | {
      type: "Add";
      queryId: number;
      componentPath: string;
      name: string;
      argsJson: string;
      journal: string | null;
    }
  | { type: "Remove"; queryId: number };

export interface SyncFunctionRequest {
  requestId: number;
  componentPath: string;
  name: string;
  argsJson: string;
}

export type SyncClientMessage =
  | { type: "Connect"; sessionId: string; maxObservedTs: bigint | null; clientTs: number | null }
  | { type: "Authenticate"; baseVersion: number; credential: Credential }
  | { type: "ModifyQuerySet"; baseVersion: number; newVersion: number; modifications: SyncQueryChange[] }
  | ({ type: "Mutation" } & SyncFunctionRequest)
  | ({ type: "Action" } & SyncFunctionRequest)
  | { type: "Event" };

export interface SyncVersion {
  querySet: number;
  identity: number;
  /** u64, little endian, base64. */
  ts: string;
}

/** u64 as the sync protocol writes it. */
export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

/** Throws a RangeError when the text is not eight bytes of base64. */
export function decodeTs(encoded: string): bigint {
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.length !== 8) throw new RangeError("A timestamp has eight bytes");
  return bytes.readBigUInt64LE(0);
}
