/** Bytes on their way into the storage: written to a file of their own as they come, hashed, counted, made durable. */
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { newFileKey } from "./storageFolders.ts";

export interface IncomingFile {
  /** Its name in the folder. */
  key: string;
  size: number;
  /** Base64. */
  sha256: string;
}

/**
 * Holds one chunk in memory at a time. Rejects with Sha256Mismatch, DiskFull, or what the source rejected with; the file is
 * gone then.
 * @param expectedSha256 - Base64; null when the sender did not say.
 */
export async function receiveFile(
  folder: string,
  source: AsyncIterable<Uint8Array>,
  expectedSha256: string | null,
): Promise<IncomingFile> {
  const key = newFileKey();
  const path = join(folder, key);
  try {
    const { size, sha256 } = await writeDurably(path, source);
    if (expectedSha256 !== null && expectedSha256 !== sha256) {
      throw new DeploymentError(
        "Sha256Mismatch",
        `Sha256 mismatch. Expected: ${expectedSha256} Actual: ${sha256}`,
      );
    }
    return { key, size, sha256 };
  } catch (error) {
    await rm(path, { force: true });
    throw isDiskFull(error) ? diskFull(error) : error;
  }
}

async function writeDurably(
  path: string,
  source: AsyncIterable<Uint8Array>,
): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  const file = await open(path, "wx", 0o600);
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { size, sha256: hash.digest("base64") };
}

function isDiskFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(String((error as NodeJS.ErrnoException | null)?.code));
}

function diskFull(cause: unknown): DeploymentError {
  const sentence =
    "The disk of the deployment has no room for this file. Delete files, or give it a larger disk.";
  return new DeploymentError("DiskFull", sentence, { cause });
}
