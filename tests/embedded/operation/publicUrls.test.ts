/** `--url` and `--site-url`: clients reach the deployment by names of its own, which may lead nowhere from where it runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { startDeployment, type Deployment } from "../../../embedded/deployment.ts";
import { localUrl } from "../../../embedded/http/localUrl.ts";
import { auth, setUpConvexAuth } from "../../support/convexAuthApp.ts";
import { startEmbedded } from "../../support/embeddedDeployment.ts";
import { createFixtureApp, type NotesApp } from "../../support/notesApp.ts";
import { RawConnection } from "../../support/rawHttp.ts";

/** Names that are reserved for not being there. */
const publicUrls = { url: "https://chat.invalid", siteUrl: "https://site.invalid" };

const urlsOfFunctions = `
  import { mutation } from "./_generated/server.js";
  export const seen = mutation({ args: {}, handler: async (ctx) => ({
    cloudUrl: process.env.CONVEX_CLOUD_URL,
    siteUrl: process.env.CONVEX_SITE_URL,
    uploadUrl: await ctx.storage.generateUploadUrl(),
  }) });
`;
const seen = reference<
  "mutation",
  Record<string, never>,
  Record<"cloudUrl" | "siteUrl" | "uploadUrl", string>
>("urls:seen");

let app: NotesApp;
let deployment: Deployment;

beforeAll(async () => {
  app = createFixtureApp("convexAuth");
  app.writeFile("convex/urls.ts", urlsOfFunctions);
  deployment = await startDeployment({
    dataDir: `${app.folder}/data`,
    port: 0,
    sitePort: 0,
    ...publicUrls,
    allowedOrigins: ["https://app.invalid"],
  });
  const address = { url: deployment.localUrl, adminKey: deployment.adminKey };
  await setUpConvexAuth(app, address);
  await app.push(address);
});

afterAll(async () => {
  await deployment.close();
  app.remove();
});

function client(token?: string): ConvexHttpClient {
  const made = new ConvexHttpClient(deployment.localUrl, { logger: false });
  if (token !== undefined) made.setAuth(token);
  return made;
}

test("functions, the CLI and whoever started it are told the names that clients use", async () => {
  expect(deployment).toMatchObject(publicUrls);
  const { uploadUrl, ...urls } = await client().mutation(seen, {});
  expect(urls).toEqual({ cloudUrl: publicUrls.url, siteUrl: publicUrls.siteUrl });
  expect(new URL(uploadUrl).origin).toBe(publicUrls.url);
  const canonical = await fetch(`${deployment.localUrl}/api/v1/get_canonical_urls`, {
    headers: { Authorization: `Convex ${deployment.adminKey}` },
  });
  expect(await canonical.json()).toEqual({
    convexCloudUrl: publicUrls.url,
    convexSiteUrl: publicUrls.siteUrl,
  });
});

test("tokens that the app issues under a site URL out of reach are believed, for the deployment asks its own port", async () => {
  const params = { flow: "signUp", email: "ann@example.com", password: "a long password" };
  const { tokens } = await client().action(auth.signIn, { provider: "password", params });
  expect(decodeJwt(tokens!.token).iss).toBe(publicUrls.siteUrl);
  expect(await client(tokens!.token).query(auth.me, {})).toMatchObject({ email: "ann@example.com" });
});

test.each([
  ["chat.invalid", 200],
  ["site.invalid", 403],
  ["other.invalid", 403],
])("with origins of its own, a call that names the host %s is answered with %s", async (host, status) => {
  const raw = await RawConnection.open(deployment.localUrl);
  raw.send(["GET /version HTTP/1.1", `Host: ${host}`, "Connection: close"]);
  expect(await raw.untilEnd()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

test("a deployment on all interfaces gives loopback as its address, which is one that leads to it", async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), "all-interfaces-"));
  onTestFinished(() => rmSync(dataFolder, { recursive: true }));
  const running = await startEmbedded(dataFolder, 0, 0, { options: ["--host", "0.0.0.0", "--allow-remote"] });
  onTestFinished(() => running.end("SIGTERM"));
  const { url, siteUrl } = running.ready;
  expect([new URL(url).hostname, new URL(siteUrl).hostname]).toEqual(["127.0.0.1", "127.0.0.1"]);
  expect((await fetch(`${url}/version`)).status).toBe(200);
  expect((await fetch(siteUrl)).status).toBe(404);
});

test.each([
  ["without a name", {}, 1],
  ["with one name of two", { url: "https://convex.example" }, 1],
  ["with both", { url: "https://convex.example", siteUrl: "https://site.example" }, 0],
])(
  "on all interfaces, a deployment %s warns where loopback is what clients are told",
  async (_, names, warnings) => {
    const dataDir = mkdtempSync(join(tmpdir(), "all-interfaces-"));
    onTestFinished(() => rmSync(dataDir, { recursive: true }));
    const logged: string[] = [];
    const writeLog = (line: string): void => void logged.push(line);
    const running = await startDeployment({
      dataDir,
      port: 0,
      sitePort: 0,
      host: "0.0.0.0",
      writeLog,
      ...names,
    });
    await running.close();
    expect(logged.filter((line) => line.includes("Give --url and --site-url"))).toHaveLength(warnings);
  },
);

test.each([
  ["127.0.0.1", "http://127.0.0.1:80"],
  ["localhost", "http://localhost:80"],
  ["10.0.0.5", "http://10.0.0.5:80"],
  ["fd00::5", "http://[fd00::5]:80"],
  ["0.0.0.0", "http://127.0.0.1:80"],
  ["0", "http://127.0.0.1:80"],
  ["::", "http://[::1]:80"],
  ["0:0:0:0:0:0:0:0", "http://[::1]:80"],
  ["::ffff:0.0.0.0", "http://127.0.0.1:80"],
])("what listens on %s is reached at %s", (host, url) => {
  expect(localUrl(host, 80)).toBe(url);
});
