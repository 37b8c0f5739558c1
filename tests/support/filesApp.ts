/** The fixture `files`, its functions, and uploads as a page makes them. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeFunctionReference as reference } from "convex/server";

export interface StorageDocument {
  _id: string;
  _creationTime: number;
  sha256: string;
  size: number;
  contentType: string | null;
}
interface OldMetadata {
  storageId: string;
  sha256: string;
  size: number;
  contentType: string | null;
}
type Nothing = Record<string, never>;

export const files = {
  uploadUrl: reference<"mutation", Nothing, string>("files:uploadUrl"),
  url: reference<"query", { id: string }, string | null>("files:url"),
  metadata: reference<"query", { id: string }, OldMetadata | null>("files:metadata"),
  document: reference<"query", { id: string }, StorageDocument | null>("files:document"),
  list: reference<"query", Nothing, StorageDocument[]>("files:list"),
  newest: reference<"query", Nothing, StorageDocument | null>("files:newest"),
  normalized: reference<"query", { text: string }, string | null>("files:normalized"),
  attach: reference<"mutation", { file: string }, string>("files:attach"),
  remove: reference<"mutation", { id: unknown }, null>("files:remove"),
  removeByHand: reference<"mutation", { id: string }, null>("files:removeByHand"),
  removeInVain: reference<"mutation", { id: string; caught: boolean }, null>("files:removeInVain"),
  storeText: reference<"action", { text: string; type?: string; sha256?: string }, string>("files:storeText"),
  readDeleted: reference<
    "action",
    { id: string },
    { text: string; type: string; size: number; again: null } | null
  >("files:readDeleted"),
  fromAction: reference<"action", { id: string }, { url: string; metadata: OldMetadata; uploadUrl: string }>(
    "files:fromAction",
  ),
  forge: reference<"action", { op: string; args: unknown }, string>("files:forge"),
  vaultUploadUrl: reference<"mutation", Nothing, string>("files:vaultUploadUrl"),
  vaultUrl: reference<"query", { id: string }, string | null>("files:vaultUrl"),
  vaultCount: reference<"query", Nothing, number>("files:vaultCount"),
  vaultStoreText: reference<"action", { text: string }, string>("files:vaultStoreText"),
  storeAndAttach: reference<"action", { text: string }, string>("files:storeAndAttach"),
};

/** The id of the uploaded file. @throws with the answer when it is refused. */
export async function upload(
  uploadUrl: string,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(uploadUrl, { method: "POST", body, headers });
  const answer = (await response.json()) as { storageId?: string };
  if (answer.storageId === undefined) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer.storageId;
}

/** Names of the files that hold bytes, by folder. */
export function filesOnDisk(dataDir: string): Record<"stored" | "uploads" | "actions", string[]> {
  const names = (part: string): string[] => readdirSync(join(dataDir, "file-storage", part));
  return { stored: names("stored"), uploads: names("uploads"), actions: names("actions") };
}
