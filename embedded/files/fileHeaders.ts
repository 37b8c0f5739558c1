/** What a sender says of a file: its type, and its checksum. Both are checked before a byte is taken. */
import { MIMEType } from "node:util";

/** Whether it is a content type that a download can be served with. */
export function isContentType(text: string): boolean {
  try {
    return new MIMEType(text).essence !== "" && !/[^\t\x20-\x7e]/.test(text);
  } catch {
    return false; // that is what was asked
  }
}

/** SHA-256 in base64 of a `Digest` header, "sha-256=<base64>", the only kind that Convex takes; null for any other. */
export function sha256OfDigest(header: string): string | null {
  const base64 = /^sha-256=([A-Za-z0-9+/]{43}=)$/.exec(header)?.[1];
  return base64 !== undefined && Buffer.from(base64, "base64").toString("base64") === base64 ? base64 : null;
}
