/** The admin key: where it is kept, and who presents it. Keys are compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Credential } from "../protocol/mainMessages.ts";

const keyFileName = "admin-key";

export interface AdminKey {
  readonly text: string;
  matches(candidate: string): boolean;
}

/** The key given, else the one kept in the data folder, which the first start generates (readable by its owner only). */
export function openAdminKey(dataDir: string, instanceName: string, given?: string): AdminKey {
  return adminKey(given ?? keptKey(join(dataDir, keyFileName), instanceName));
}

function keptKey(path: string, instanceName: string): string {
  if (existsSync(path)) {
    const kept = readFileSync(path, "utf8").trim();
    if (kept !== "") return kept;
  }
  const generated = `${instanceName}|${randomBytes(32).toString("hex")}`;
  writeFileSync(path, `${generated}\n`, { mode: 0o600 });
  return generated;
}

function adminKey(text: string): AdminKey {
  const expected = digest(text);
  return { text, matches: (candidate) => timingSafeEqual(digest(candidate), expected) };
}

/** A hash first, so that keys of any length compare in the same time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * Who an `Authorization` header speaks for: `Convex <key>`, `Convex <key>:<base64 of identity JSON>` (an admin acting
 * as that user) or `Bearer <token>`. Throws BadAdminKey or Unauthenticated.
 */
export function credentialOfHeader(header: string | undefined, key: AdminKey): Credential {
  if (header === undefined) return { kind: "anonymous" };
  const [scheme, rest] = splitOnce(header, " ");
  if (scheme === "Bearer") return { kind: "bearer", token: rest };
  if (scheme !== "Convex") {
    throw new DeploymentError(
      "Unauthenticated",
      `Unknown authorization scheme "${scheme}": use "Bearer" or "Convex".`,
    );
  }
  if (key.matches(rest)) return { kind: "admin", impersonating: null };
  const separator = rest.lastIndexOf(":");
  if (separator !== -1 && key.matches(rest.slice(0, separator))) {
    return { kind: "admin", impersonating: decodeIdentity(rest.slice(separator + 1)) };
  }
  throw wrongAdminKey();
}

export function wrongAdminKey(): DeploymentError {
  return new DeploymentError(
    "BadAdminKey",
    "The admin key is not the one of this deployment. It is kept in the file `admin-key` of the data folder.",
  );
}

function decodeIdentity(encoded: string): Record<string, unknown> {
  try {
    const identity: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    if (typeof identity === "object" && identity !== null) return identity as Record<string, unknown>;
  } catch (cause) {
    throw new DeploymentError("Unauthenticated", "The identity to act as is not base64 of JSON.", { cause });
  }
  throw new DeploymentError("Unauthenticated", "The identity to act as is not an object.");
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
