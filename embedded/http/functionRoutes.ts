/**
 * Calling functions over HTTP, https://docs.convex.dev/http-api and what ConvexHttpClient and `convex run` use:
 * `{ path, args, format }` in, `{ status, value | errorMessage, logLines? }` out, with status 200 in both cases.
 */
import type { CommittedResult } from "../protocol/calls.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { checkedFunctionName } from "../protocol/functionPath.ts";
import type { FunctionRequest } from "../protocol/mainMessages.ts";
import { decodeTs, encodeTs } from "../protocol/syncMessages.ts";
import { toPlainJson } from "./plainJson.ts";
import { maxFunctionBodyBytes, readJsonBody } from "./requestBody.ts";
import type { Reply, Route, RouteContext } from "./route.ts";
import { asArray, asObject, asString, isObject, refuseDeepNesting } from "./shape.ts";

type ResultFormat = "json" | "convex_encoded_json";
/** With the names of older versions. */
const formats: ReadonlyMap<unknown, ResultFormat> = new Map([
  ["json", "json"],
  ["convex_clean_json", "json"],
  ["convex_encoded_json", "convex_encoded_json"],
  ["convex_json", "convex_encoded_json"],
]);

function callRoute(kind: FunctionRequest["kind"], access: Route["access"] = "anyone"): Route {
  return {
    access,
    async handle(context) {
      const body = asObject(await readJsonBody(context.request, maxFunctionBodyBytes), "The body");
      return await call(context, kind, body);
    },
  };
}

const queryByUrl: Route = {
  access: "anyone",
  async handle(context) {
    const { searchParams } = context.url;
    return await call(context, "query", {
      path: parameter(searchParams, "path"),
      args: parseJson(parameter(searchParams, "args")),
      format: searchParams.get("format") ?? undefined,
    });
  },
};

/** Convex has no such limit. A batch runs in one piece, for one snapshot, and others wait meanwhile. */
const maxBatchedQueries = 256;

/** All at one snapshot. */
const queryBatch: Route = {
  access: "anyone",
  async handle(context) {
    const body = asObject(await readJsonBody(context.request, maxFunctionBodyBytes), "The body");
    const queries = asArray(body["queries"], "queries").map((query) => asObject(query, "A query"));
    if (queries.length > maxBatchedQueries) {
      throw new DeploymentError(
        "BadRequest",
        `The batch has ${queries.length} queries, more than the ${maxBatchedQueries} that this deployment runs at one snapshot. Send several.`,
      );
    }
    const formatsOfResults = queries.map(({ format }) => formatOf(format));
    const requests = queries.map((query) => functionRequest(context, "query", query));
    const results = await context.engine.request("runQueryBatch", { source: sourceOf(context), requests });
    const encoded = results.map((result, index) => encodeResult(result, formatsOfResults[index] ?? "json"));
    return { type: "encodedJson", encoded: `{"results":[${encoded.join(",")}]}` };
  },
};

/** No old snapshots are kept: once something was written since `ts`, the client has to begin again with a new one. */
const queryAtTs: Route = {
  access: "anyone",
  async handle(context) {
    const body = asObject(await readJsonBody(context.request, maxFunctionBodyBytes), "The body");
    const format = formatOf(body["format"]);
    const ts = asString(body["ts"], "ts");
    const wanted = parseTs(ts);
    const committed = await context.engine.request("runFunction", functionRequest(context, "query", body));
    if (committed.ts < wanted)
      throw new DeploymentError("BadRequest", "ts lies in the future of this deployment.");
    if (committed.ts > wanted) {
      throw new DeploymentError(
        "SnapshotNotKept",
        `Something was written since the timestamp ${ts}, and this deployment keeps the newest snapshot only. ` +
          "Ask /api/query_ts for a new one and run the queries of the old one again.",
      );
    }
    return { type: "encodedJson", encoded: encodeResult(committed, format) };
  },
};

/** `convex run --inline-query`, and the dashboard: the module of a query, run once. */
const runTestFunction: Route = {
  access: "admin",
  async handle({ request, engine, credential }) {
    const body = asObject(await readJsonBody(request, maxFunctionBodyBytes), "The body");
    const bundle = asObject(body["bundle"], "bundle");
    const format = formatOf(body["format"]);
    const args = argumentsOf(body["args"]);
    refuseDeepNesting(args, "args");
    const committed = await engine.request("runInlineQuery", {
      credential,
      componentPath: body["componentId"] == null ? "" : asString(body["componentId"], "componentId"),
      path: asString(bundle["path"], "The path of bundle"),
      source: asString(bundle["source"], "The source of bundle"),
      argsJson: JSON.stringify(args),
    });
    return { type: "encodedJson", encoded: encodeResult(committed, format) };
  },
};

export const functionRoutes: Record<string, Route> = {
  "POST /api/query": callRoute("query"),
  "GET /api/query": queryByUrl,
  "POST /api/mutation": callRoute("mutation"),
  "POST /api/action": callRoute("action"),
  // Any function, also of a component: the CLI's and the dashboard's.
  "POST /api/function": callRoute("any", "admin"),
  "POST /api/query_batch": queryBatch,
  "POST /api/query_at_ts": queryAtTs,
  "POST /api/run_test_function": runTestFunction,
  "POST /api/query_ts": {
    access: "anyone",
    handle: async ({ engine }) => ({
      type: "json",
      body: { ts: encodeTs(await engine.request("latestTs")) },
    }),
  },
};

/** `POST /api/run/<module>/<function>`: the function's path is in the URL. */
export const runByPathPrefix = "/api/run/";
export const runByPath: Route = {
  access: "anyone",
  async handle(context) {
    const body = asObject(await readJsonBody(context.request, maxFunctionBodyBytes), "The body");
    const parts = decodePath(context.url.pathname.slice(runByPathPrefix.length)).split("/");
    const exportName = parts.pop();
    if (parts.length === 0 || !exportName) {
      throw new DeploymentError(
        "MissingIdentifier",
        "Path or function name not provided in path, e.g. /api/run/messages/list",
      );
    }
    return await call(context, "any", { ...body, path: `${parts.join("/")}:${exportName}` });
  },
};

async function call(
  context: RouteContext,
  kind: FunctionRequest["kind"],
  body: Record<string, unknown>,
): Promise<Reply> {
  const format = formatOf(body["format"]);
  const committed = await context.engine.request("runFunction", functionRequest(context, kind, body));
  return { type: "encodedJson", encoded: encodeResult(committed, format) };
}

/** Those who call from one address take one turn among them: a caller may open as many connections as it likes. */
function sourceOf({ credential, request }: RouteContext): string {
  return credential.kind === "admin" ? "admin" : `http ${request.socket.remoteAddress}`;
}

function functionRequest(
  context: RouteContext,
  kind: FunctionRequest["kind"],
  body: Record<string, unknown>,
): FunctionRequest {
  for (const field of ["path", "args"]) if (body[field] === undefined) throw missingField(field);
  const args = argumentsOf(body["args"]);
  refuseDeepNesting(args, "args");
  return {
    kind,
    credential: context.credential,
    source: sourceOf(context),
    componentPath: body["componentPath"] == null ? "" : asString(body["componentPath"], "componentPath"),
    name: checkedFunctionName(asString(body["path"], "path")),
    argsJson: JSON.stringify(args),
  };
}

/** The arguments object itself, or an array around it. */
function argumentsOf(args: unknown): unknown {
  if (args === undefined || args === null) return {};
  if (!Array.isArray(args)) {
    if (isObject(args)) return args;
    throw new DeploymentError("BadRequest", "args must be an object, or an array of one object.");
  }
  if (args.length > 1)
    throw new DeploymentError("BadRequest", "args holds more than one value: a function takes one object.");
  return args[0] ?? {};
}

function formatOf(format: unknown): ResultFormat {
  if (format === undefined || format === null) return "json";
  const known = formats.get(format);
  if (known !== undefined) return known;
  throw new DeploymentError(
    "BadFormat",
    // What is of another shape is not repeated: it may nest deeper than can be written down.
    `format param must be one of [\`json\`]. Got ${typeof format === "string" ? JSON.stringify(format.slice(0, 40)) : "no string"}`,
  );
}

function encodeResult({ result }: CommittedResult, format: ResultFormat): string {
  const rendered = (encoded: string): string =>
    format === "json" ? JSON.stringify(toPlainJson(JSON.parse(encoded))) : encoded;
  const logLines = result.logLines.length === 0 ? "" : `,"logLines":${JSON.stringify(result.logLines)}`;
  if (result.status === "success")
    return `{"status":"success","value":${rendered(result.valueJson)}${logLines}}`;
  const errorData = result.dataJson === undefined ? "" : `,"errorData":${rendered(result.dataJson)}`;
  return `{"status":"error","errorMessage":${JSON.stringify(result.message)}${errorData}${logLines}}`;
}

function missingField(field: string): DeploymentError {
  const message = `Failed to deserialize the JSON body into the target type: missing field \`${field}\``;
  return new DeploymentError("BadJsonBody", message);
}

function parameter(searchParams: URLSearchParams, name: string): string {
  const value = searchParams.get(name);
  if (value !== null) return value;
  throw new DeploymentError("BadQueryArgs", `Failed to deserialize query string: missing field \`${name}\``);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new DeploymentError("BadRequest", `${path} is not a path in UTF-8, percent-encoded.`, { cause });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DeploymentError("BadRequest", "args in the URL is not JSON.", { cause });
  }
}

function parseTs(encoded: string): bigint {
  try {
    return decodeTs(encoded);
  } catch (cause) {
    throw new DeploymentError("BadRequest", "ts is not a timestamp as /api/query_ts gives it.", { cause });
  }
}
