/**
 * Files on the deployment port: `POST /api/storage/upload?token=…` takes one, `GET /api/storage/<uuid>` serves one. Both stream: a
 * file passes through this thread chunk by chunk, and a slow reader or disk slows the sender.
 */
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseByteRange } from "../files/byteRange.ts";
import type { StoredFile } from "../files/fileRows.ts";
import { isStorageUuid } from "../files/fileRows.ts";
import { isContentType, sha256OfDigest } from "../files/fileHeaders.ts";
import { receiveFile } from "../files/incomingFile.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { bodyChunks } from "./bodyChunks.ts";
import type { Reply, Route, RouteContext } from "./route.ts";

/** What a URL serves never changes. */
const cacheControl = "private, max-age=2592000";

export const storageRoutes: Record<string, Route> = {
  "POST /api/storage/upload": { access: "anyone", handle: upload },
};

/** `GET /api/storage/<uuid>`. */
export const downloadPrefix = "/api/storage/";
export const download: Route = { access: "anyone", handle: serve };

async function upload({ request, engine, url, folders, uploadMs }: RouteContext): Promise<Reply> {
  const token = url.searchParams.get("token");
  if (token === null)
    throw new DeploymentError("BadQueryArgs", "Failed to deserialize query string: missing field `token`");
  const componentPath = await engine.request("componentOfUpload", token);
  const contentType = contentTypeOf(request.headers["content-type"]);
  const sha256 = digestOf(request.headers["digest"]);
  // Convex takes any size: what can be sent in this time and what the disk holds are the limits.
  const patience = { maxIdleMs: uploadMs, maxWaitMs: uploadMs };
  const bytes = bodyChunks(request, patience, () => uploadTimedOut(uploadMs), uploadEnded);
  const file = await receiveFile(folders.uploads, bytes, sha256);
  try {
    const received = { ...file, folder: "uploads", componentPath, contentType } as const;
    return { type: "json", body: { storageId: await engine.request("storeFile", received) } };
  } catch (error) {
    // An engine thread that ended meanwhile may not have taken them.
    await rm(join(folders.uploads, file.key), { force: true });
    throw error;
  }
}

function uploadTimedOut(uploadMs: number): DeploymentError {
  return new DeploymentError(
    "UploadTimedOut",
    `The upload took longer than ${uploadMs / 1000} seconds. Send it over a faster connection, or in parts.`,
  );
}

function uploadEnded(cause: unknown): DeploymentError {
  return new DeploymentError("BadRequest", "The upload ended before its body was complete.", { cause });
}

function contentTypeOf(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (isContentType(header)) return header;
  throw new DeploymentError("BadHeader", "Bad header for content-type: invalid HTTP header");
}

function digestOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const sha256 = sha256OfDigest(String(header));
  if (sha256 !== null) return sha256;
  throw new DeploymentError("BadHeader", "Bad header for digest: invalid HTTP header");
}

async function serve({ request, engine, url, folders }: RouteContext): Promise<Reply> {
  const uuid = url.pathname.slice(downloadPrefix.length);
  if (!isStorageUuid(uuid)) throw invalidPath(uuid);
  const componentPath = url.searchParams.get("component") ?? "";
  const file = await engine.request("findFile", { componentPath, uuid });
  if (file === null) throw notFound(uuid);
  const range = parseByteRange(request.headers.range, file.size);
  if (range.status === "unsatisfiable")
    return { type: "bytes", status: 416, headers: { "Content-Range": `bytes */${file.size}` }, body: null };
  const { start, end } = range.status === "part" ? range : { start: 0, end: file.size - 1 };
  const headers: Record<string, string | number> = {
    ...(file.contentType === null ? {} : { "Content-Type": file.contentType }),
    ...(range.status === "part"
      ? { "Content-Range": `bytes ${start}-${end}/${file.size}` }
      : { Digest: `sha-256=${file.sha256}` }),
    "Content-Length": end - start + 1,
    "Cache-Control": cacheControl,
    "Accept-Ranges": "bytes",
  };
  const status = range.status === "part" ? 206 : 200;
  if (request.method === "HEAD" || file.size === 0) return { type: "bytes", status, headers, body: null };
  return {
    type: "bytes",
    status,
    headers,
    body: await openPart(join(folders.stored, file.key), file, start, end),
  };
}

/** Opened before the head is sent: from now on a deletion does not matter. */
async function openPart(path: string, { uuid }: StoredFile, start: number, end: number) {
  try {
    return (await open(path, "r")).createReadStream({ start, end });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw notFound(uuid);
    throw error;
  }
}

function notFound(uuid: string): DeploymentError {
  return new DeploymentError("FileNotFound", `File ${uuid} not found`);
}

function invalidPath(uuid: string): DeploymentError {
  return new DeploymentError(
    "InvalidStoragePath",
    `Invalid storage path: "${uuid}". Please use \`storage.getUrl(storageId: Id<"_storage">)\` to generate a valid URL ` +
      "to retrieve files. See https://docs.convex.dev/file-storage/serve-files for more details",
  );
}
