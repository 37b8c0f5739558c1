/**
 * `crypto.subtle` of queries and mutations: what follows from its inputs is there, at once, as on Convex. What needs
 * randomness of its own (new keys, ECDSA and RSA-PSS signatures) is not. Keys are the platform's own CryptoKey.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  constants,
  hkdfSync,
  type JsonWebKey,
  KeyObject,
  pbkdf2Sync,
  sign,
  verify,
  type webcrypto,
} from "node:crypto";

type CryptoKey = webcrypto.CryptoKey;
type Algorithm = Record<string, unknown> & { name: string };
type Method = (...args: never[]) => unknown;

/** Thrown by what would make the result depend on more than its inputs. */
export class NeedsRandomness extends Error {}

/** Each answers at once, or throws what the promise of the real one rejects with. */
export const syncSubtleCrypto: Readonly<Record<string, Method>> = {
  digest: (algorithm: unknown, data: unknown) =>
    bufferOf(createHash(hashOf(algorithm)).update(bytesOf(data)).digest()),
  importKey,
  exportKey,
  sign: signData,
  verify: verifyData,
  encrypt: (algorithm: unknown, key: CryptoKey, data: unknown) => cipher("encrypt", algorithm, key, data),
  decrypt: (algorithm: unknown, key: CryptoKey, data: unknown) => cipher("decrypt", algorithm, key, data),
  deriveBits: (algorithm: unknown, key: CryptoKey, bits: number) => {
    requireUsage(key, algorithm, "deriveBits");
    return derive(algorithm, key, bits);
  },
};

function importKey(
  format: string,
  data: unknown,
  algorithm: unknown,
  extractable: boolean,
  usages: webcrypto.KeyUsage[],
): CryptoKey {
  const object = parseKey(format, data);
  const parameters = normalized(algorithm) as unknown as webcrypto.HmacImportParams;
  const key = object.toCryptoKey(parameters, extractable, usages);
  keyObjects.set(key, object);
  return key;
}

/** Of the keys that were made here: what node:crypto works with at once is not to be had from a key that hides itself. */
const keyObjects = new WeakMap<CryptoKey, KeyObject>();

function keyObjectOf(key: CryptoKey): KeyObject {
  return keyObjects.get(key) ?? KeyObject.from(key);
}

function parseKey(format: string, data: unknown): KeyObject {
  switch (format) {
    case "raw":
      return createSecretKey(bytesOf(data));
    case "pkcs8":
      return createPrivateKey({ key: bytesOf(data), format: "der", type: "pkcs8" });
    case "spki":
      return createPublicKey({ key: bytesOf(data), format: "der", type: "spki" });
    case "jwk": {
      const key = data as JsonWebKey;
      if (key.kty === "oct") return createSecretKey(Buffer.from(String(key.k), "base64url"));
      return key.d === undefined ? createPublicKey({ key, format }) : createPrivateKey({ key, format });
    }
    default:
      throw notSupported(`Keys of the format ${format}`);
  }
}

function exportKey(format: string, key: CryptoKey): unknown {
  if (!key.extractable) throw new DOMException("key is not extractable", "InvalidAccessError");
  const object = keyObjectOf(key);
  if (format === "jwk") return { ...object.export({ format }), ext: true, key_ops: key.usages };
  if (format === "raw" && object.type === "secret") return bufferOf(object.export());
  if (format === "spki" && object.type === "public")
    return bufferOf(object.export({ format: "der", type: "spki" }));
  if (format === "pkcs8" && object.type === "private")
    return bufferOf(object.export({ format: "der", type: "pkcs8" }));
  throw notSupported(`Exporting a ${object.type} key as ${format}`);
}

function signData(algorithm: unknown, key: CryptoKey, data: unknown): ArrayBuffer {
  const { name } = requireUsage(key, algorithm, "sign");
  const bytes = bytesOf(data);
  switch (name.toUpperCase()) {
    case "HMAC":
      return bufferOf(createHmac(hashOfKey(key), keyObjectOf(key)).update(bytes).digest());
    case "RSASSA-PKCS1-V1_5":
      return bufferOf(sign(hashOfKey(key), bytes, keyObjectOf(key)));
    case "ED25519":
      return bufferOf(sign(null, bytes, keyObjectOf(key)));
    default:
      throw new NeedsRandomness(`a signature with ${name} needs randomness`);
  }
}

function verifyData(algorithm: unknown, key: CryptoKey, signature: unknown, data: unknown): boolean {
  const given = requireUsage(key, algorithm, "verify");
  const [object, bytes, signed] = [keyObjectOf(key), bytesOf(data), bytesOf(signature)];
  switch (given.name.toUpperCase()) {
    case "HMAC":
      return createHmac(hashOfKey(key), object).update(bytes).digest().equals(signed);
    case "RSASSA-PKCS1-V1_5":
      return verify(hashOfKey(key), bytes, object, signed);
    case "RSA-PSS": {
      const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: Number(given["saltLength"]) };
      return verify(hashOfKey(key), bytes, { key: object, ...padding }, signed);
    }
    case "ECDSA":
      return verify(hashOf(given["hash"]), bytes, { key: object, dsaEncoding: "ieee-p1363" }, signed);
    case "ED25519":
      return verify(null, bytes, object, signed);
    default:
      throw notSupported(`Verifying with ${given.name}`);
  }
}

const gcmTagBits = 128;

function cipher(
  usage: "encrypt" | "decrypt",
  algorithm: unknown,
  key: CryptoKey,
  data: unknown,
): ArrayBuffer {
  const given = requireUsage(key, algorithm, usage);
  const bits = (key.algorithm as webcrypto.AesKeyAlgorithm).length;
  const bytes = bytesOf(data);
  const make = usage === "encrypt" ? createCipheriv : createDecipheriv;
  switch (given.name.toUpperCase()) {
    case "AES-CBC": {
      const run = make(`aes-${bits}-cbc`, keyObjectOf(key), bytesOf(given["iv"]));
      return bufferOf(Buffer.concat([run.update(bytes), run.final()]));
    }
    case "AES-CTR": {
      const run = make(`aes-${bits}-ctr`, keyObjectOf(key), bytesOf(given["counter"]));
      return bufferOf(Buffer.concat([run.update(bytes), run.final()]));
    }
    case "AES-GCM":
      return bufferOf(usage === "encrypt" ? seal(bits, given, key, bytes) : unseal(bits, given, key, bytes));
    default:
      throw notSupported(`${usage} with ${given.name}`);
  }
}

function seal(bits: number, given: Algorithm, key: CryptoKey, bytes: Uint8Array): Buffer {
  const authTagLength = Number(given["tagLength"] ?? gcmTagBits) / 8;
  const run = createCipheriv(`aes-${bits}-gcm` as "aes-256-gcm", keyObjectOf(key), bytesOf(given["iv"]), {
    authTagLength,
  });
  if (given["additionalData"] !== undefined) run.setAAD(bytesOf(given["additionalData"]));
  return Buffer.concat([run.update(bytes), run.final(), run.getAuthTag()]);
}

function unseal(bits: number, given: Algorithm, key: CryptoKey, bytes: Uint8Array): Buffer {
  const authTagLength = Number(given["tagLength"] ?? gcmTagBits) / 8;
  const run = createDecipheriv(`aes-${bits}-gcm` as "aes-256-gcm", keyObjectOf(key), bytesOf(given["iv"]), {
    authTagLength,
  });
  if (given["additionalData"] !== undefined) run.setAAD(bytesOf(given["additionalData"]));
  run.setAuthTag(bytes.subarray(bytes.length - authTagLength));
  return Buffer.concat([run.update(bytes.subarray(0, bytes.length - authTagLength)), run.final()]);
}

function derive(algorithm: unknown, key: CryptoKey, bits: number): ArrayBuffer {
  const given = normalized(algorithm);
  const hash = hashOf(given["hash"]);
  const secret = keyObjectOf(key);
  const salt = bytesOf(given["salt"]);
  switch (given.name.toUpperCase()) {
    case "PBKDF2":
      return bufferOf(pbkdf2Sync(secret.export(), salt, Number(given["iterations"]), bits / 8, hash));
    case "HKDF":
      return hkdfSync(hash, secret, salt, bytesOf(given["info"]), bits / 8);
    default:
      throw notSupported(`Deriving with ${given.name}`);
  }
}

function requireUsage(key: CryptoKey, algorithm: unknown, usage: webcrypto.KeyUsage): Algorithm {
  const given = normalized(algorithm);
  if (given.name.toUpperCase() !== key.algorithm.name.toUpperCase())
    throw new DOMException(
      `The key is for ${key.algorithm.name}, not for ${given.name}`,
      "InvalidAccessError",
    );
  if (!key.usages.includes(usage))
    throw new DOMException(`The key is not for use with ${usage}`, "InvalidAccessError");
  return given;
}

const digests: Readonly<Record<string, string>> = {
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};

function hashOf(algorithm: unknown): string {
  const { name } = normalized(algorithm);
  const hash = digests[name.toUpperCase()];
  if (hash === undefined)
    throw new DOMException(`Unrecognized digest algorithm: ${name}`, "NotSupportedError");
  return hash;
}

function hashOfKey({ algorithm }: CryptoKey): string {
  return hashOf((algorithm as unknown as Algorithm)["hash"]);
}

function normalized(algorithm: unknown): Algorithm {
  if (typeof algorithm === "object" && algorithm !== null)
    return { ...algorithm, name: String((algorithm as { name?: unknown }).name) };
  return { name: String(algorithm) };
}

function bytesOf(data: unknown): Buffer {
  const view = ArrayBuffer.isView(data) ? data : new Uint8Array(data as ArrayBuffer);
  return Buffer.from(view.buffer, view.byteOffset, view.byteLength);
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function notSupported(what: string): DOMException {
  return new DOMException(`${what} is not supported in queries and mutations.`, "NotSupportedError");
}
