/** The admin key: where it is kept, and who presents it. Keys are compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { UserAttributes } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Credential } from "../protocol/mainMessages.ts";
import { impersonatedAttributes } from "./userAttributes.ts";

const keyFileName = "admin-key";

export interface AdminKey {
  readonly text: string;
  matches(candidate: string): boolean;
}

/** The key given, else the one kept in the data folder, which the first start generates (readable by its owner only). */
export function openAdminKey(dataDir: string, instanceName: string, given?: string): AdminKey {
  return adminKeyOf(given ?? keptKey(join(dataDir, keyFileName), instanceName));
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

export function adminKeyOf(text: string): AdminKey {
  const expected = digest(text);
  return { text, matches: (candidate) => timingSafeEqual(digest(candidate), expected) };
}

/** A hash first, so that keys of any length compare in the same time. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * Who an `Authorization` header speaks for: `Convex <key>`, `Convex <key>:<base64 of identity JSON>` (an admin acting
 * as that user) or `Bearer <token>`. Throws BadAdminKey, or one of the codes for headers that are neither.
 */
export function credentialOfHeader(header: string | undefined, key: AdminKey): Credential {
  if (header === undefined) return { kind: "anonymous" };
  if (header.length < schemeChars)
    throw new DeploymentError("InvalidHeaderFailure", "Invalid authentication header");
  const scheme = header.slice(0, schemeChars).toLowerCase();
  const rest = header.slice(schemeChars);
  if (scheme === "bearer " && rest !== "") return { kind: "bearer", token: rest.trim() };
  if (scheme !== "convex ") throw new DeploymentError("InvalidAdminKey", "Invalid admin key");
  if (key.matches(rest)) return { kind: "admin", impersonating: null };
  const separator = rest.lastIndexOf(":");
  if (separator !== -1 && key.matches(rest.slice(0, separator))) {
    return { kind: "admin", impersonating: decodeIdentity(rest.slice(separator + 1)) };
  }
  throw wrongAdminKey();
}

/** "Bearer " and "Convex " are of one length. */
const schemeChars = 7;

export function wrongAdminKey(): DeploymentError {
  return new DeploymentError(
    "BadAdminKey",
    "The provided admin key was invalid for this instance. The right one is in the file `admin-key` of its data folder.",
  );
}

function decodeIdentity(encoded: string): UserAttributes {
  try {
    return impersonatedAttributes(JSON.parse(Buffer.from(encoded, "base64").toString("utf8")));
  } catch (cause) {
    throw new DeploymentError("HeaderParseFailure", "Malformed Authorization header.", { cause });
  }
}
