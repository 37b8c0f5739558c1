/**
 * `ctx.db.vars.commitTs`, the commit timestamp of the mutation under way. To user code it is a placeholder until the
 * mutation ends; here its value is fixed as soon as it is asked for, since nothing can commit in between. So on the way
 * in a placeholder becomes the timestamp, which indexes and validators know, and on the way out it is one again.
 */
import { convexToJson } from "convex/values";
import type { Transaction } from "../transaction/transaction.ts";

/** As JSON.stringify writes it. No text can hold this: its quotes would be escaped. */
const placeholder = '{"$commitTs":null}';

/** @returns the encoded JSON, with the timestamp for every placeholder. */
export function resolveCommitTs(json: string, transaction: Transaction): string {
  if (!json.includes(placeholder) || !transaction.canCommit) return json;
  return json.replaceAll(placeholder, encoded(transaction.commitTs()));
}

/** The other way: what this mutation stamped is still a placeholder to it. */
export function hideCommitTs(json: string, transaction: Transaction): string {
  return transaction.hasCommitTs ? json.replaceAll(encoded(transaction.commitTs()), placeholder) : json;
}

function encoded(ts: bigint): string {
  return JSON.stringify(convexToJson(ts));
}
