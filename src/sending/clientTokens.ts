/** Mints the tokens by which the server recognises what this client has asked before. */

/** 192 random bits in hex. Not `randomUUID`, which browsers offer on secure origins only. */
export function mintToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
