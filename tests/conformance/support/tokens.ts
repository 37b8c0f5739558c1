/** Tokens of users, signed with a key of this process whose public half is a `data:` URL. */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";

export interface TokenIssuer {
  /** For `jwks` of a customJwt provider. */
  jwksUrl: string;
  /** Claims override issuer, audience and an expiry in an hour. */
  token: (claims: Record<string, unknown>) => string;
}

export function makeTokenIssuer(issuer: string, audience: string, keyId = "key-1"): TokenIssuer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: keyId, alg: "ES256", use: "sig" };
  return {
    jwksUrl: `data:application/json;base64,${Buffer.from(JSON.stringify({ keys: [jwk] })).toString("base64")}`,
    token(claims) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const payload = { iss: issuer, aud: audience, iat: nowSeconds, exp: nowSeconds + 3600, ...claims };
      return signed(privateKey, { alg: "ES256", typ: "JWT", kid: keyId }, payload);
    },
  };
}

function signed(key: KeyObject, header: object, payload: object): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const text = `${encode(header)}.${encode(payload)}`;
  const signature = sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}
