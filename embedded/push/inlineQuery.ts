/**
 * A query that is not deployed: `convex run --inline-query` sends the text of one module, which is analyzed as a push is
 * and run once, beside the deployed code of its component. Nothing of it stays.
 */
import { randomUUID } from "node:crypto";
import { build } from "esbuild";
import type { Caller, CommittedResult } from "../protocol/calls.ts";
import type { ComponentCode, ComponentPath, DeployedCode, ValidatorJson } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Engine } from "../protocol/engine.ts";
import type { AnalyzedFunction } from "../protocol/pushMessages.ts";
import type { EvaluatedDefinition } from "./analysisMessages.ts";
import { runAnalysis } from "./runAnalysis.ts";

export interface InlineQuery {
  componentPath: ComponentPath;
  /** File name and text of the module whose default export is the query. */
  path: string;
  source: string;
  argsJson: string;
}

/** The module that the text imports `query` from; on Convex it is part of the deployment. */
const wrappersPath = "_system/repl/wrappers.js";
const wrappersSpecifier = /(["'])convex:\/_system\/repl\/wrappers\.js\1/g;

/** @throws DeploymentError InvalidModules with the error of the text, BadRequest when its default export is no query. */
export async function runInlineQuery(
  engine: Engine,
  query: InlineQuery,
  caller: Caller,
): Promise<CommittedResult> {
  const { componentPath, path, argsJson } = query;
  const running = engine.code();
  if (componentPath !== "" && running?.components[componentPath] === undefined)
    throw new DeploymentError("BadRequest", `There is no component "${componentPath}" in this deployment.`);
  const analyzed = await analyzedModule(engine, query);
  const code = withModule(running, componentPath, path, analyzed);
  const call = { componentPath, name: `${path}:default`, argsJson, caller };
  return await engine.runQueryOf(code, call);
}

async function analyzedModule(
  engine: Engine,
  { componentPath, path, source }: InlineQuery,
): Promise<EvaluatedDefinition> {
  const changed = [
    { path: wrappersPath, source: await wrappers(), environment: "isolate" as const },
    {
      path,
      source: source.replaceAll(wrappersSpecifier, `$1./${wrappersPath}$1`),
      environment: "isolate" as const,
    },
  ];
  const { definitions } = await runAnalysis({
    env: { ...engine.environmentOf(componentPath) },
    nowMs: Date.now(),
    randomSeed: randomUUID(),
    definitions: [
      { path: "", definition: null, dependencies: [], schema: null, modules: { changed, unchanged: [] } },
    ],
  });
  const definition = definitions[""];
  if (definition === undefined) throw new Error("the analysis of a query says nothing about it");
  return definition;
}

function withModule(
  running: DeployedCode | null,
  componentPath: ComponentPath,
  path: string,
  { functions, modules }: EvaluatedDefinition,
): DeployedCode {
  const code = running ?? noCode;
  const component = code.components[componentPath] ?? emptyApp;
  const { args, returns } = defaultQuery(functions[path]?.functions ?? []);
  const definition = {
    kind: "query" as const,
    visibility: "public" as const,
    args: args === null ? { type: "any" as const } : (JSON.parse(args) as ValidatorJson),
    returns: returns === null ? null : (JSON.parse(returns) as ValidatorJson),
  };
  const extended: ComponentCode = {
    ...component,
    modules: { ...component.modules, ...modules },
    functions: { ...component.functions, [`${path}:default`]: definition },
  };
  return { ...code, components: { ...code.components, [componentPath]: extended } };
}

function defaultQuery(functions: AnalyzedFunction[]): AnalyzedFunction {
  const [first, ...others] = functions;
  if (others.length > 0 || (first !== undefined && first.name !== "default"))
    throw new DeploymentError("BadRequest", "Only `export default` is supported.");
  if (first === undefined)
    throw new DeploymentError("BadRequest", "Default export is not a Convex function.");
  if (first.udfType !== "Query")
    throw new DeploymentError("BadRequest", `${first.udfType}s are not supported in the REPL yet.`);
  return first;
}

let bundled: Promise<string> | null = null;

function wrappers(): Promise<string> {
  return (bundled ??= bundleWrappers());
}

async function bundleWrappers(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents:
        'export { queryGeneric as query, internalQueryGeneric as internalQuery } from "convex/server";',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "esnext",
    conditions: ["convex", "module"],
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

const emptyApp: ComponentCode = {
  path: "",
  definitionPath: "",
  modules: {},
  functions: {},
  schema: null,
  httpRoutes: null,
  crons: {},
  children: {},
};

/** Before the first push. */
const noCode: DeployedCode = {
  version: 0,
  components: { "": emptyApp },
  authProviders: [],
  functionsDir: "convex/",
  udfServerVersion: "",
};
