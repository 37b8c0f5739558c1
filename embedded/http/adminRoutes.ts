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
    handle: ({ engineSilentMs }) => {
      const silentMs = engineSilentMs();
      return {
        type: "json",
        status: silentMs === 0 ? 200 : 503,
        body: { ok: silentMs === 0, engineSilentMs: silentMs },
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

/** Convex's own rule for names: https://docs.convex.dev/production/environment-variables */
const namePattern = /^[A-Za-z_][A-Za-z0-9_]{0,39}$/;
const maxValueBytes = 8 * 1024;

function changeOf(change: Record<string, unknown>): [string, string | null] {
  const name = asString(change["name"], "The name of a variable");
  if (!namePattern.test(name)) {
    throw new DeploymentError(
      "BadRequest",
      `"${name}" is no name for a variable: use letters, digits and underscores, at most 40, no digit first.`,
    );
  }
  if (change["value"] === null || change["value"] === undefined) return [name, null];
  const value = asString(change["value"], `The value of ${name}`);
  if (Buffer.byteLength(value) > maxValueBytes) {
    throw new DeploymentError("BadRequest", `The value of ${name} is larger than ${maxValueBytes} bytes.`);
  }
  return [name, value];
}

/** Endpoints of Convex that this deployment has not. Answered with 400, since the CLI retries a 404 for a minute. */
export const unsupportedPrefixes: Record<string, string> = {
  "/api/export/": "Snapshot export",
  "/api/import/": "Snapshot import",
  "/api/perform_import": "Snapshot import",
  "/api/shapes2": "Inferred table shapes",
};
