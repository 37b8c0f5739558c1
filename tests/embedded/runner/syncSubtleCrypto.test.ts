/** What queries and mutations compute with keys is what the platform's own `crypto.subtle` computes. */
import { expect, test } from "vitest";
import { syncSubtleCrypto } from "../../../embedded/runner/syncSubtleCrypto.ts";

const { subtle } = crypto;
type Usage = "sign" | "verify" | "encrypt" | "decrypt" | "deriveBits";
const call = (method: string, ...args: unknown[]): unknown => syncSubtleCrypto[method]!(...(args as never[]));
const importKey = (format: string, data: unknown, algorithm: unknown, usages: Usage[]): CryptoKey =>
  call("importKey", format, data, algorithm, true, usages) as CryptoKey;

const data = new TextEncoder().encode("what is signed");
const secret = new Uint8Array(32).fill(7);
const iv = new Uint8Array(16).fill(9);

const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const rsaKeys = { ...rsa, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };

test.each(["pkcs8", "jwk"] as const)(
  "RSA signatures with a key from %s are the platform's",
  async (format) => {
    const { privateKey, publicKey } = await subtle.generateKey(rsaKeys, true, ["sign", "verify"]);
    const imported = importKey(format, await subtle.exportKey(format as "jwk", privateKey), rsa, ["sign"]);
    const signature = call("sign", rsa.name, imported, data) as ArrayBuffer;
    expect(new Uint8Array(signature)).toEqual(new Uint8Array(await subtle.sign(rsa, privateKey, data)));
    expect(await subtle.verify(rsa, publicKey, signature, data)).toBe(true);
    const spki = importKey("spki", await subtle.exportKey("spki", publicKey), rsa, ["verify"]);
    expect(call("verify", rsa, spki, signature, data)).toBe(true);
    expect(call("verify", rsa, spki, signature, iv)).toBe(false);
  },
);

test.each([
  { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" },
  { name: "Ed25519" },
  { ...rsaKeys, name: "RSA-PSS", saltLength: 32 },
])("signatures of $name that the platform made are verified", async (algorithm) => {
  const pair = (await subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const signature = await subtle.sign(algorithm, pair.privateKey, data);
  const imported = importKey("jwk", await subtle.exportKey("jwk", pair.publicKey), algorithm, ["verify"]);
  expect(call("verify", algorithm, imported, signature, data)).toBe(true);
  expect(call("verify", algorithm, imported, signature, iv)).toBe(false);
});

test("HMAC, and its refusal of a wrong signature", async () => {
  const algorithm = { name: "HMAC", hash: "SHA-512" };
  const key = importKey("raw", secret, algorithm, ["sign", "verify"]);
  const signature = call("sign", "HMAC", key, data) as ArrayBuffer;
  expect(await subtle.verify("HMAC", key, signature, data)).toBe(true);
  expect(call("verify", "HMAC", key, signature, data)).toBe(true);
  expect(call("verify", "HMAC", key, signature.slice(1), data)).toBe(false);
});

test.each([
  { name: "AES-CBC", iv },
  { name: "AES-CTR", counter: iv, length: 64 },
  { name: "AES-GCM", iv, additionalData: data },
])("$name is the platform's, both ways", async (algorithm) => {
  const key = importKey("raw", secret, algorithm.name, ["encrypt", "decrypt"]);
  const sealed = call("encrypt", algorithm, key, data) as ArrayBuffer;
  expect(new Uint8Array(sealed)).toEqual(new Uint8Array(await subtle.encrypt(algorithm, key, data)));
  expect(new Uint8Array(call("decrypt", algorithm, key, sealed) as ArrayBuffer)).toEqual(data);
});

test.each([
  { name: "PBKDF2", hash: "SHA-256", salt: iv, iterations: 3 },
  { name: "HKDF", hash: "SHA-256", salt: iv, info: data },
])("bits derived with $name are the platform's", async (algorithm) => {
  const key = await subtle.importKey("raw", secret, algorithm.name, false, ["deriveBits"]);
  const imported = call("importKey", "raw", secret, algorithm.name, false, ["deriveBits"]);
  const bits = call("deriveBits", algorithm, imported, 256) as ArrayBuffer;
  expect(new Uint8Array(bits)).toEqual(new Uint8Array(await subtle.deriveBits(algorithm, key, 256)));
});

test("a key does only what it was made for, and shows itself only when it may", () => {
  const key = call("importKey", "raw", secret, { name: "HMAC", hash: "SHA-256" }, false, [
    "verify",
  ]) as CryptoKey;
  expect(() => call("sign", "HMAC", key, data)).toThrow("not for use with sign");
  expect(() => call("sign", "AES-GCM", key, data)).toThrow("The key is for HMAC");
  expect(() => call("exportKey", "raw", key)).toThrow("not extractable");
});

test("what would need randomness of its own is refused", async () => {
  const algorithm = { name: "ECDSA", hash: "SHA-256", namedCurve: "P-256" };
  const { privateKey } = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  expect(() => call("sign", algorithm, privateKey, data)).toThrow("needs randomness");
});
