/** An identity provider on a port of its own: real HTTP, real keys, and every fault a test asks for. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface SigningKey {
  alg: string;
  privateKey: CryptoKey;
  publicJwk: JWK;
}

export interface TokenOptions {
  key?: SigningKey;
  /** Header fields besides `alg`; `kid: undefined` leaves it away. */
  header?: Record<string, unknown>;
}

export interface IdentityProvider {
  /** Its URL, without a slash at the end. */
  issuer: string;
  /** What the JWKS endpoint answers with; tests change it. */
  keys: JWK[];
  key: SigningKey;
  /** Paths that were asked for, in order. */
  requests: string[];
  /** Instead of the usual answer at this path. */
  answer: (path: string, answer: Answer) => void;
  /** A token of this issuer for the audience "app", good for an hour; `undefined` takes a claim away. */
  token: (claims?: JWTPayload, options?: TokenOptions) => Promise<string>;
  close: () => Promise<void>;
}

export const discoveryPath = "/.well-known/openid-configuration";
export const jwksPath = "/keys";

export async function makeKey(alg = "RS256", kid: string | undefined = "key-1"): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = {
    ...(await exportJWK(publicKey)),
    ...(kid === undefined ? {} : { kid }),
    alg,
    use: "sig",
  };
  return { alg, privateKey, publicJwk };
}

export async function startIdentityProvider(alg = "RS256"): Promise<IdentityProvider> {
  const key = await makeKey(alg);
  const answers = new Map<string, Answer>();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    provider.requests.push(path);
    const answer = answers.get(path);
    if (answer === undefined) response.writeHead(404).end("nothing here");
    else answer(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider: IdentityProvider = {
    issuer,
    keys: [key.publicJwk],
    key,
    requests: [],
    answer: (path, answer) => answers.set(path, answer),
    token: (claims = {}, { key: signer = key, header = {} } = {}) =>
      signToken({ iss: issuer, ...claims }, signer, header),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  provider.answer(discoveryPath, (response) => sendJson(response, { issuer, jwks_uri: issuer + jwksPath }));
  provider.answer(jwksPath, (response) => sendJson(response, { keys: provider.keys }));
  return provider;
}

export function sendJson(
  response: ServerResponse,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(200, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Seconds since 1970. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** For the audience "app" and the user "ann", good for an hour. */
export async function signToken(
  claims: JWTPayload,
  { alg, privateKey, publicJwk }: SigningKey,
  header: Record<string, unknown> = {},
): Promise<string> {
  const standard = { sub: "ann", aud: "app", iat: inSeconds(0), exp: inSeconds(3600) };
  const merged = Object.entries({ ...standard, ...claims }).filter(([, value]) => value !== undefined);
  const allFields = Object.entries({ alg, kid: publicJwk.kid, ...header });
  const fields = Object.fromEntries(allFields.filter(([, value]) => value !== undefined));
  const crit = Array.isArray(fields["crit"]) ? (fields["crit"] as string[]) : [];
  return await new SignJWT(Object.fromEntries(merged))
    .setProtectedHeader(fields as { alg: string })
    .sign(privateKey, { crit: Object.fromEntries(crit.map((name) => [name, true])) });
}
