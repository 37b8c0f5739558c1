/**
 * Calling functions over HTTP, https://docs.convex.dev/http-api and what ConvexHttpClient and `convex run` use:
 * `{ path, args, format }` in, `{ status, value | errorMessage, logLines }` out, with status 200 in both cases.
 */
import type { CommittedResult } from "../protocol/calls.ts";
import { canonicalFunctionName } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { FunctionRequest } from "../protocol/mainMessages.ts";
import { decodeTs, encodeTs } from "../protocol/syncMessages.ts";
import { toPlainJson } from "./plainJson.ts";
import { maxFunctionBodyBytes, readJsonBody } from "./requestBody.ts";
import type { Reply, Route, RouteContext } from "./route.ts";
import { asObject, asString, isObject, refuseDeepNesting } from "./shape.ts";

type ResultFormat = "json" | "convex_encoded_json";

function callRoute(kind: FunctionRequest["kind"]): Route {
  return {
    access: "anyone",
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
    const encodedArgs = searchParams.get("args");
    return await call(context, "query", {
      path: searchParams.get("path"),
      args: encodedArgs === null ? {} : parseJson(encodedArgs),
      format: searchParams.get("format") ?? undefined,
    });
  },
};

/** Queries run at the newest snapshot only, so a timestamp is good while nothing was written since. */
const queryAtTs: Route = {
  access: "anyone",
  async handle(context) {
    const body = asObject(await readJsonBody(context.request, maxFunctionBodyBytes), "The body");
    const wanted = parseTs(asString(body["ts"], "ts"));
    if (wanted > (await context.engine.request("latestTs"))) {
      throw new DeploymentError("BadRequest", "ts lies in the future of this deployment.");
    }
    return await call(context, "query", body);
  },
};

export const functionRoutes: Record<string, Route> = {
  "POST /api/query": callRoute("query"),
  "GET /api/query": queryByUrl,
  "POST /api/mutation": callRoute("mutation"),
  "POST /api/action": callRoute("action"),
  "POST /api/function": callRoute("any"),
  "POST /api/query_at_ts": queryAtTs,
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
    const exportName = parts.pop() ?? "";
    return await call(context, "any", { ...body, path: `${parts.join("/")}:${exportName}` });
  },
};

async function call(
  context: RouteContext,
  kind: FunctionRequest["kind"],
  body: Record<string, unknown>,
): Promise<Reply> {
  const format = formatOf(body["format"]);
  const args = argumentsOf(body["args"]);
  refuseDeepNesting(args, "args");
  const committed = await context.engine.request("runFunction", {
    kind,
    credential: context.credential,
    componentPath: body["componentPath"] == null ? "" : asString(body["componentPath"], "componentPath"),
    name: canonicalFunctionName(asString(body["path"], "path")),
    argsJson: JSON.stringify(args),
  });
  return reply(committed, format);
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
  if (format === undefined || format === null || format === "json") return "json";
  if (format === "convex_encoded_json") return format;
  throw new DeploymentError(
    "BadRequest",
    `Unknown format ${JSON.stringify(format)}: use "json" or "convex_encoded_json".`,
  );
}

function reply({ result }: CommittedResult, format: ResultFormat): Reply {
  const rendered = (encoded: string): string =>
    format === "json" ? JSON.stringify(toPlainJson(JSON.parse(encoded))) : encoded;
  const logLines = JSON.stringify(result.logLines);
  if (result.status === "success") {
    return {
      type: "encodedJson",
      encoded: `{"status":"success","value":${rendered(result.valueJson)},"logLines":${logLines}}`,
    };
  }
  const errorData = result.dataJson === undefined ? "" : `"errorData":${rendered(result.dataJson)},`;
  const errorMessage = JSON.stringify(result.message);
  return {
    type: "encodedJson",
    encoded: `{"status":"error","errorMessage":${errorMessage},${errorData}"logLines":${logLines}}`,
  };
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
