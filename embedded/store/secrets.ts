/** Keys made once per database, for values that are handed out and must come back unforged. */
import { createHmac, timingSafeEqual } from "node:crypto";

import type { Database } from "./database.ts";

const KEY_BYTES = 32;

export class Secrets {
  readonly #key: Uint8Array;

  constructor(database: Database, randomBytes: (count: number) => Uint8Array) {
    const stored = database.get("SELECT value FROM secrets WHERE name = 'signing'")?.["value"];
    this.#key = stored instanceof Uint8Array ? stored : randomBytes(KEY_BYTES);
    if (!stored) database.run("INSERT INTO secrets (name, value) VALUES ('signing', ?)", this.#key);
  }

  /** The text with a signature, URL-safe. The same text always gives the same result. */
  sign(purpose: string, text: string): string {
    return `${Buffer.from(text).toString("base64url")}.${this.#signature(purpose, text)}`;
  }

  /** The text that was signed for this purpose; null when it was not. */
  verify(purpose: string, signed: string): string | null {
    const [encoded = "", signature = ""] = signed.split(".");
    const text = Buffer.from(encoded, "base64url").toString();
    const expected = Buffer.from(this.#signature(purpose, text));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected) ? text : null;
  }

  #signature(purpose: string, text: string): string {
    return createHmac("sha256", this.#key).update(`${purpose}\n${text}`).digest("base64url").slice(0, 22);
  }
}
