/**
 * ctx.storage.store and ctx.storage.get of actions. Bytes pass between the function and the disk in this thread, chunk by
 * chunk; the engine makes them a stored file, or says where one is. What a function reads is a second name of the stored
 * bytes: it stays readable to the end of the run, whoever deletes the file meanwhile.
 */
import { openAsBlob } from "node:fs";
import { link, rm } from "node:fs/promises";
import { join } from "node:path";
import { isContentType, sha256OfDigest } from "../files/fileHeaders.ts";
import { receiveFile } from "../files/incomingFile.ts";
import { newFileKey, type StorageFolders } from "../files/storageFolders.ts";
import { FIND_FILE, STORE_FILE } from "../protocol/actions.ts";

type AskEngine = (op: string, argsJson: string) => Promise<string>;

export class ActionFiles {
  readonly #folders: StorageFolders;
  readonly #ask: AskEngine;
  /** Names under which this run reads. */
  readonly #names: string[] = [];
  #hasEnded = false;

  constructor(folders: StorageFolders, ask: AskEngine) {
    this.#folders = folders;
    this.#ask = ask;
  }

  /** @returns undefined for a call that is none of file storage. */
  jsSyscall(op: string, args: unknown): Promise<unknown> | undefined {
    const { blob, options, storageId } = args as {
      blob?: unknown;
      options?: { sha256?: unknown };
      storageId?: unknown;
    };
    if (op === "storage/storeBlob") return this.#whileRunning(this.#store(blob, options?.sha256));
    if (op === "storage/getBlob") return this.#whileRunning(this.#get(storageId));
    return undefined;
  }

  /** The run is over: what it read is no longer held. */
  end(): void {
    this.#hasEnded = true;
    for (const path of this.#names.splice(0)) void rm(path, { force: true });
  }

  async #store(blob: unknown, givenSha256: unknown): Promise<string> {
    if (!(blob instanceof Blob)) {
      throw new Error(
        "store() expects a Blob. If you are trying to store a Request, `await request.blob()` will give you the correct input.",
      );
    }
    const contentType = blob.type === "" ? null : blob.type;
    if (contentType !== null && !isContentType(contentType))
      throw new Error(`"${contentType}" is not a content type`);
    const sha256 = expectedSha256(givenSha256);
    const file = await receiveFile(this.#folders.actions, blob.stream(), sha256);
    if (this.#hasEnded) {
      await rm(join(this.#folders.actions, file.key), { force: true });
      throw new Error("The function has ended.");
    }
    const id = await this.#ask(STORE_FILE, JSON.stringify({ ...file, contentType }));
    return JSON.parse(id) as string;
  }

  async #get(storageId: unknown): Promise<Blob | null> {
    if (typeof storageId !== "string")
      throw new Error(`storage.get requires a string storageId but received ${String(storageId)}`);
    const answer = await this.#ask(FIND_FILE, JSON.stringify({ storageId }));
    const found = JSON.parse(answer) as { key: string; contentType: string | null } | null;
    if (found === null) return null;
    const path = join(this.#folders.actions, newFileKey());
    try {
      await link(join(this.#folders.stored, found.key), path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null; // deleted since the engine answered
      throw error;
    }
    this.#names.push(path);
    if (this.#hasEnded) this.end();
    return await openAsBlob(path, { type: found.contentType ?? "" });
  }

  /** A function that has ended is never answered. */
  #whileRunning<Value>(work: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      work.then(
        (value) => !this.#hasEnded && resolve(value),
        (error: Error) => !this.#hasEnded && reject(new Error(error.message)),
      );
    });
  }
}

/** In base64; null when it was not given. */
function expectedSha256(given: unknown): string | null {
  if (given === undefined) return null;
  const sha256 = typeof given === "string" ? sha256OfDigest(`sha-256=${given}`) : null;
  if (sha256 === null) throw new Error("invalid HTTP header");
  return sha256;
}
