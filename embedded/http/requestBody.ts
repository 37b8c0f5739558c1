/** Reads a request's body: bounded, decompressed (brotli, gzip), parsed as JSON. */
import type { IncomingMessage } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Readable, Transform } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { ByteBudget } from "./byteBudget.ts";
import { GatheredBytes } from "./gatheredBytes.ts";

/** Convex's own: the largest arguments and a little around them. */
export const maxFunctionBodyBytes = 16 * 1024 * 1024 + 2_000;
/** A push carries all sources and source maps of an app. */
export const maxPushBodyBytes = 256 * 1024 * 1024;

/** Bodies of this process that are being read: two large pushes, or thirty calls with the largest arguments. */
const bodiesBeingRead = new ByteBudget(2 * maxPushBodyBytes);

/**
 * Throws BadJsonBody when it is not JSON, is not said to be, or is longer than `maxBytes` (counted after decompression), and
 * TooManyConcurrentRequests when others fill the budget. What is no Content-Type of JSON, any page may send without asking.
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
  budget = bodiesBeingRead,
): Promise<unknown> {
  if (!isJsonType(request.headers["content-type"]))
    throw new DeploymentError("BadJsonBody", "Expected request with `Content-Type: application/json`");
  const text = await readBody(request, maxBytes, budget);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new DeploymentError("BadJsonBody", `Failed to parse the request body as JSON: ${detail}`, {
      cause,
    });
  }
}

function isJsonType(contentType: string | undefined): boolean {
  return /^application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i.test(contentType ?? "");
}

async function readBody(request: IncomingMessage, maxBytes: number, budget: ByteBudget): Promise<string> {
  const body = new GatheredBytes();
  const dropped = Promise.withResolvers<never>();
  const share = budget.share(dropped.reject);
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      if (body.size + chunk.length > maxBytes) {
        throw new DeploymentError("BadJsonBody", "Failed to buffer the request body: length limit exceeded");
      }
      share.take(chunk.length);
      body.add(chunk);
    }
  };
  const decompress = decompressorOf(request.headers["content-encoding"]);
  try {
    const collected =
      decompress === null ? collect(request as Readable) : pipeline(request, decompress, collect);
    await Promise.race([collected, dropped.promise]);
  } catch (cause) {
    if (cause instanceof DeploymentError) throw cause;
    throw new DeploymentError("BadRequest", "The body of the request could not be read.", { cause });
  } finally {
    share.giveBack();
  }
  return decodeUtf8(body.whole());
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DeploymentError("BadRequest", "The body of the request is not UTF-8.", { cause });
  }
}

function decompressorOf(encoding: string | undefined): Transform | null {
  switch (encoding) {
    case undefined:
    case "identity":
      return null;
    case "br":
      return createBrotliDecompress();
    case "gzip":
      return createGunzip();
    default:
      throw new DeploymentError("BadRequest", `Unknown Content-Encoding "${encoding}": use br or gzip.`);
  }
}
