import { afterAll, beforeAll, expect, test } from "vitest";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDeployment, type Deployment } from "../../../embedded/deployment.ts";
import { handPusher, type HandPusher } from "../../support/handMadePush.ts";

let folder: string;
let deployment: Deployment;
let pusher: HandPusher;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "embedded-push-"));
  deployment = await startDeployment({ dataDir: folder, port: 0, sitePort: 0 });
  pusher = handPusher(deployment);
});

afterAll(async () => {
  await deployment.close();
  rmSync(folder, { recursive: true });
});

const harmless = { modules: { "a.js": "export const one = 1;" } };

test("variables that change during a push make it start over", async () => {
  const started = await pusher.start(harmless);
  await pusher.setVariables({ CHANGED: "yes" });
  const finished = await pusher.finish(started);
  expect([finished.status, finished.body["code"]]).toEqual([400, "RaceDetected"]);
});

test("of two pushes at once the second to finish starts over", async () => {
  const [first, second] = [await pusher.start(harmless), await pusher.start(harmless)];
  expect((await pusher.finish(first)).status).toBe(200);
  expect((await pusher.waitForSchema(second)).body).toEqual({ type: "raceDetected" });
  expect((await pusher.finish(second)).body["code"]).toBe("RaceDetected");
});

test("a push that was finished cannot be finished again", async () => {
  const started = await pusher.start(harmless);
  await pusher.finish(started);
  expect((await pusher.finish(started)).body["code"]).toBe("RaceDetected");
});

const authConfig = 'export default { providers: [{ domain: process.env.ISSUER, applicationID: "convex" }] };';

test("an auth config that wants a variable names it, in the words the CLI looks for", async () => {
  const { status, body } = await pusher.start({ modules: { "auth.config.js": authConfig } });
  expect([status, body["code"]]).toEqual([400, "AuthConfigMissingEnvironmentVariable"]);
  expect(body["message"]).toContain("Environment variable ISSUER is used in auth config file");
});

test("an auth config sees variables that are set, and the site URL", async () => {
  const source = authConfig.replace("ISSUER", "CONVEX_SITE_URL");
  const { body } = await pusher.start({ modules: { "auth.config.js": source } });
  expect(body["appAuth"]).toEqual([{ domain: deployment.siteUrl, applicationID: "convex" }]);
});

const envDefinition = `export default { export: () => ({ definitionType: { type: "app" }, childComponents: [], httpMounts: {},
  exports: { type: "branch", branch: [] }, envVars: [["NEEDED", { type: "value", value: "{}" }]] }) };`;

test("a variable the app declares as required must be set", async () => {
  const refused = await pusher.start({ definition: envDefinition });
  expect(refused.body["code"]).toBe("MissingEnvironmentVariables");
  expect(refused.body["message"]).toMatch(/are not set: NEEDED\./);
  await pusher.setVariables({ NEEDED: "here" });
  const started = await pusher.start({ definition: envDefinition });
  expect((await pusher.finish(started)).status).toBe(200);
});

test("a variable the running app declares as required cannot be removed", async () => {
  const { status, body } = await pusher.setVariables({ NEEDED: null });
  expect([status, body["code"]]).toEqual([400, "RequiredEnvironmentVariable"]);
  expect(body["message"]).toBe(
    "Cannot delete required environment variables: NEEDED. These are declared as required in the app definition.",
  );
  expect((await pusher.setVariables({ NEEDED: "still" })).status).toBe(200);
});

test.each([
  ["top-level await", "await Promise.resolve();", "uses top-level await"],
  ["a syntax error", "export const = 1;", "a.js:1"],
  ["an import of nothing", 'import "./missing.js";', 'Could not find module "missing.js"'],
  ["a timer at module scope", "setTimeout(() => {}, 1);", "Failed to analyze a.js"],
  [
    "a function that is neither public nor internal",
    undeclared("isQuery"),
    "must be either public or internal",
  ],
  [
    "a query that is a mutation too",
    undeclared("isQuery", "isMutation", "isPublic"),
    "Query and Mutation at once",
  ],
])("a module with %s is refused with a sentence", async (_what, source, sentence) => {
  const { status, body } = await pusher.start({ modules: { "a.js": source } });
  expect([status, body["code"]]).toEqual([400, "InvalidModules"]);
  expect(body["message"]).toContain(sentence);
});

function undeclared(...flags: string[]): string {
  const fields = flags.map((flag) => `${flag}: true`).join(", ");
  const validators = 'exportArgs: () => "{}", exportReturns: () => "null"';
  return `export const f = Object.assign(() => {}, { ${fields}, ${validators} });`;
}

test("a cron of a function that does not exist is refused", async () => {
  const cron = '{ name: "a:gone", args: [{}], schedule: { type: "interval", seconds: 9 } }';
  const source = `export default { isCrons: true, export: () => JSON.stringify({ nightly: ${cron} }) };`;
  const { body } = await pusher.start({ modules: { "crons.js": source } });
  expect(body["message"]).toBe(
    "Loading the pushed modules encountered the following\n    error:\n" +
      "The cron job 'nightly' schedules a function that does not exist: a.js:gone",
  );
});
