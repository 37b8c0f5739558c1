/** What the CLI and the operator ask of the deployment apart from functions and pushes: who it is, how it does, its logs. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import { functionExecutionJson } from "./functionLogs.ts";
import { maxFunctionBodyBytes, readJsonBody } from "./requestBody.ts";
import type { Route } from "./route.ts";
import { asArray, asObject, asString } from "./shape.ts";

/** How long a request for logs waits when there is nothing to tell. Below the idle timeouts of proxies. */
const logsWaitMs = 20_000;

export const adminRoutes: Record<string, Route> = {
  "GET /": {
    access: "anyone",
    handle: () => ({
      type: "text",
      body: "This Convex deployment is running. See https://docs.convex.dev/.",
    }),
  },
  "GET /version": { access: "anyone", handle: () => ({ type: "text", body: "unknown" }) },
  "GET /instance_name": {
    access: "anyone",
    handle: ({ identity }) => ({ type: "text", body: identity.instanceName }),
  },
  "GET /health": {
    access: "anyone",
    handle: ({ engineSilentMs, isStopping }) => {
      const silentMs = engineSilentMs();
      const status = isStopping ? "stopping" : silentMs > 0 ? "silent" : "ok";
      return {
        type: "json",
        status: status === "ok" ? 200 : 503,
        body: {
          ok: status === "ok",
          status,
          engineSilentMs: silentMs,
          uptimeSeconds: Math.floor(process.uptime()),
          memoryBytes: process.memoryUsage.rss(),
        },
      };
    },
  },
  "GET /api/v1/get_canonical_urls": {
    access: "admin",
    handle: ({ identity }) => ({
      type: "json",
      body: { convexCloudUrl: identity.url, convexSiteUrl: identity.siteUrl },
    }),
  },
  /** FunctionUsage[] since the start of the process; not an endpoint of Convex. */
  "GET /api/usage": {
    access: "admin",
    handle: async ({ engine }) => ({ type: "json", body: await engine.request("usage") }),
  },
  "GET /api/stream_function_logs": {
    access: "admin",
    async handle({ engine, url }) {
      // 0 is the CLI's first question and must be answered at once; from then on it repeats our cursor, which
      // therefore is never 0: it is the engine's plus one.
      const given = Number(url.searchParams.get("cursor") ?? 0);
      if (!Number.isFinite(given) || given < 0)
        throw new DeploymentError("BadRequest", "cursor must be a number.");
      const { entries, cursor } = await engine.request("functionLogs", {
        cursor: Math.max(0, given - 1),
        waitMs: given === 0 ? 0 : logsWaitMs,
      });
      return { type: "json", body: { entries: entries.map(functionExecutionJson), newCursor: cursor + 1 } };
    },
  },
  "POST /api/update_environment_variables": {
    access: "admin",
    async handle({ engine, request }) {
      const body = asObject(await readJsonBody(request, maxFunctionBodyBytes), "The body");
      const changes = asArray(body["changes"], "changes").map((change) => asObject(change, "A change"));
      await engine.request("updateEnvironmentVariables", Object.fromEntries(changes.map(changeOf)));
      return { type: "json", body: null };
    },
  },
};

/** Convex's own rules: https://docs.convex.dev/production/environment-variables */
const namePattern = /^[a-zA-Z_]+[a-zA-Z0-9_]*$/;
const maxNameChars = 256;
const maxValueBytes = 8 * 1024;

function changeOf(change: Record<string, unknown>): [string, string | null] {
  const name = asString(change["name"], "The name of a variable");
  if (!namePattern.test(name)) {
    throw new DeploymentError(
      "EnvironmentVariableNameInvalid",
      `The environment variable name ${name} is invalid. Environment variable names must begin with a letter and may only ` +
        "include characters a-z, A-Z, 0-9, and underscores.",
    );
  }
  if (name.length > maxNameChars) {
    throw new DeploymentError(
      "EnvironmentVariableNameTooLong",
      `The environment variable name ${name} is too long. Environment variable names must be less than ${maxNameChars}.`,
    );
  }
  if (change["value"] === null || change["value"] === undefined) return [name, null];
  const value = asString(change["value"], `The value of ${name}`);
  const bytes = Buffer.byteLength(value);
  if (bytes > maxValueBytes) {
    throw new DeploymentError(
      "EnvironmentVariableValueTooLarge",
      `The environment variable value is ${bytes} bytes, which is too large. (max size: ${maxValueBytes})`,
    );
  }
  return [name, value];
}

const notHere = "is not part of the embedded deployment.";

/** Endpoints of Convex that this deployment has not. Answered with 400, since the CLI retries a 404 for a minute. */
export const unsupportedPrefixes: Record<string, string> = {
  "/api/export/": `Snapshot export ${notHere} Print tables with \`convex data\`, or make a backup with \`npm run embedded -- backup\`.`,
  "/api/import/": `Snapshot import ${notHere} Insert the rows with a mutation of your own.`,
  "/api/perform_import": `Snapshot import ${notHere} Insert the rows with a mutation of your own.`,
  "/api/shapes2": `Inferring the shapes of tables ${notHere} Their schema says them.`,
};
