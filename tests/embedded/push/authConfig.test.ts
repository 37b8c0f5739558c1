/** What an auth config may say, and what becomes of it when variables change. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuthApp, startAuthApp, who } from "../../support/authApp.ts";
import { ConvexHttpClient } from "convex/browser";
import { startIdentityProvider } from "../../support/identityProvider.ts";

let app: AuthApp;

beforeAll(async () => {
  app = await startAuthApp();
});

afterAll(async () => {
  await app.close();
});

function config(...providers: unknown[]): string {
  return `export default ${JSON.stringify({ providers })};`;
}

async function refusal(source: string): Promise<string> {
  const { status, body } = await app.startPush(source);
  return `${status} ${String(body["code"])}: ${String(body["message"])}`;
}

test("providers are told to the CLI as Convex would ask them, with their scheme", async () => {
  const { body } = await app.startPush(
    config(
      { type: "customJwt", issuer: "https://jwt.example", jwks: "data:,{}", algorithm: "ES256" },
      { domain: "auth.example.com", applicationID: "b" },
      { type: "oidc", domain: "http://localhost:1/", applicationID: "a" },
    ),
  );
  expect(body["appAuth"]).toEqual([
    { domain: "http://localhost:1/", applicationID: "a" },
    { domain: "https://auth.example.com", applicationID: "b" },
    {
      type: "customJwt",
      issuer: "https://jwt.example",
      jwks: "data:,{}",
      algorithm: "ES256",
      applicationID: null,
    },
  ]);
});

const invalid = "400 InvalidAuthConfig: The pushed auth config is invalid: ";
const mustInclude = `${invalid}auth config file must include a list of provider credentials: `;
const jwt = { type: "customJwt", issuer: "https://jwt.example", jwks: "data:,{}", algorithm: "ES256" };

test.each<[string, string, string]>([
  [
    "no default export",
    "export const providers = [];",
    `${invalid}auth config file is missing default export.`,
  ],
  ["no list", "export default { providers: {} };", mustInclude],
  ["no application id", config({ domain: "https://a.example" }), "missing field `applicationID`"],
  [
    "a misspelt one",
    config({ domain: "https://a.example", applicationId: "a" }),
    "spelled lowercase 'application', capital I, capital D",
  ],
  [
    "an unknown type",
    config({ type: "saml", domain: "https://a.example", applicationID: "a" }),
    "Provider at index 0 has unexpected 'type' value",
  ],
  [
    "a domain for a custom JWT",
    config({ ...jwt, domain: "https://a.example" }),
    "is a customJwt so cannot have a 'domain' specified",
  ],
  [
    "an issuer for OIDC",
    config({ domain: "https://a.example", issuer: "x", applicationID: "a" }),
    "is oidc so cannot have an 'issuer' specified.",
  ],
  [
    "an algorithm that is not safe here",
    config({ ...jwt, algorithm: "HS256" }),
    "unknown variant `HS256`, expected `RS256` or `ES256`",
  ],
  ["no keys", config({ ...jwt, jwks: undefined }), "missing field `jwks`"],
  [
    "an issuer of many applications without one's id",
    config({ ...jwt, issuer: "https://api.workos.com/" }),
    "appears potentially insecure",
  ],
  [
    "a domain in quotes",
    config({ domain: '"https://a.example"', applicationID: "a" }),
    "starts with a double quote",
  ],
  [
    "a domain with another scheme",
    config({ domain: "ftp://a.example", applicationID: "a" }),
    "scheme should be http or https",
  ],
  [
    "a secret in the place of a domain",
    config({ domain: "sk_live_1234", applicationID: "a" }),
    "Does not look like a URL",
  ],
  ["code that throws", 'throw new Error("not today"); export default {};', "Uncaught Error: not today"],
])("an auth config with %s is refused", async (_what, source, sentence) => {
  const told = await refusal(source);
  expect(told).toContain("400 InvalidAuthConfig: The pushed auth config is invalid: ");
  expect(told).toContain(sentence);
});

test("naming a variable that is not set is refused, also with something to fall back on", async () => {
  expect(
    await refusal(
      'export default { providers: [{ domain: process.env.ISSUER ?? "https://a.example", applicationID: "a" }] };',
    ),
  ).toBe(
    "400 AuthConfigMissingEnvironmentVariable: Environment variable ISSUER is used in auth config file but its value was not set",
  );
});

/** The subject that a query sees, else the refusal. */
async function subjectOf(token: string): Promise<unknown> {
  const client = new ConvexHttpClient(app.deployment.url, { logger: false });
  client.setAuth(token);
  try {
    return (await client.query(who.amI, {}))?.["subject"];
  } catch (error) {
    return (error as Error).message;
  }
}

test("a variable that names the provider takes effect without a push, and not when it makes no sense", async () => {
  const [first, second] = await Promise.all([startIdentityProvider(), startIdentityProvider()]);
  const tokens = [await first.token({ sub: "first" }), await second.token({ sub: "second" })];
  await app.pusher.setVariables({ ISSUER: first.issuer });
  await app.push('export default { providers: [{ domain: process.env.ISSUER, applicationID: "app" }] };');
  expect(await subjectOf(tokens[0]!)).toBe("first");
  expect(await subjectOf(tokens[1]!)).toContain("No auth provider found");
  await app.pusher.setVariables({ ISSUER: second.issuer });
  expect(await subjectOf(tokens[0]!)).toContain("No auth provider found");
  expect(await subjectOf(tokens[1]!)).toBe("second");
  const misfit = await app.pusher.setVariables({ ISSUER: "no url", UNRELATED: "x" });
  expect(misfit.body).toMatchObject({ code: "InvalidAuthConfig" });
  expect(misfit.body["message"]).toContain(
    "This change would make the auth config invalid: Invalid provider domain URL",
  );
  const removed = await app.pusher.setVariables({ ISSUER: null });
  expect(removed.body).toMatchObject({ code: "AuthConfigMissingEnvironmentVariable" });
  expect(await subjectOf(tokens[1]!)).toBe("second");
  await Promise.all([first.close(), second.close()]);
});

test("changes that come together are all made", async () => {
  await app.push(config());
  const names = Array.from({ length: 5 }, (_, index) => `TOGETHER_${index}`);
  const answers = await Promise.all(names.map((name) => app.pusher.setVariables({ [name]: name })));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const started = await app.startPush(config());
  expect(started.body["environmentVariables"]).toMatchObject(
    Object.fromEntries(names.map((name) => [name, name])),
  );
});

test.each<[string, Record<string, string | null>, string, string]>([
  [
    "a name that begins with a digit",
    { "1ST": "x" },
    "EnvironmentVariableNameInvalid",
    "The environment variable name 1ST is invalid.",
  ],
  ["an empty name", { "": "x" }, "EnvironmentVariableNameInvalid", "is invalid"],
  [
    "a name with a dash",
    { "A-B": null },
    "EnvironmentVariableNameInvalid",
    "The environment variable name A-B is invalid.",
  ],
  [
    "a very long name",
    { ["N".repeat(257)]: "x" },
    "EnvironmentVariableNameTooLong",
    "must be less than 256.",
  ],
  [
    "a large value",
    { LARGE: "ü".repeat(4097) },
    "EnvironmentVariableValueTooLarge",
    "The environment variable value is 8194 bytes, which is too large.",
  ],
  [
    "the name of a built-in one",
    { CONVEX_SITE_URL: "https://eve.example" },
    "EnvVarNameForbidden",
    'Environment variable with name "CONVEX_SITE_URL" is built-in and cannot be overridden',
  ],
])("a variable with %s is refused, in Convex's words", async (_what, changes, code, sentence) => {
  const { status, body } = await app.pusher.setVariables(changes);
  expect([status, body["code"]]).toEqual([400, code]);
  expect(body["message"]).toContain(sentence);
});

test("a name of 256 characters and a value of 8 KiB are taken", async () => {
  expect((await app.pusher.setVariables({ ["N".repeat(256)]: "x".repeat(8192) })).status).toBe(200);
  await app.pusher.setVariables({ ["N".repeat(256)]: null });
});

test("more variables than Convex takes are refused, by number and by size", async () => {
  const many = (count: number, value: string): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`MANY_${index}`, value]));
  expect((await app.pusher.setVariables(many(513, "x"))).body).toMatchObject({ code: "EnvVarLimitMet" });
  expect((await app.pusher.setVariables(many(80, "x".repeat(8000)))).body).toMatchObject({
    code: "EnvVarTotalSizeLimitMet",
  });
});

test("a variable may have a name that every object of JavaScript knows", async () => {
  expect((await app.pusher.setVariables({ constructor: "x", toString: "y" })).status).toBe(200);
  expect((await app.pusher.setVariables({ constructor: null, toString: null })).status).toBe(200);
});
