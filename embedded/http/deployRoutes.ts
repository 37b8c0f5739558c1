/** The endpoints of a push (`convex dev`, `deploy`, `codegen`): shapes are checked here, the push itself runs in the engine thread. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import type {
  AppDefinitionPush,
  ComponentDefinitionPush,
  FinishPushRequest,
  PushedModule,
  PushedModuleHash,
  StartPushRequest,
} from "../protocol/pushMessages.ts";
import { maxPushBodyBytes, readJsonBody } from "./requestBody.ts";
import type { Route, RouteContext } from "./route.ts";
import { asArray, asObject, asString, isObject, type JsonObject } from "./shape.ts";

export const deployRoutes: Record<string, Route> = {
  "POST /api/get_config_hashes": admin(async ({ engine }) => await engine.request("getConfigHashes")),
  "POST /api/deploy2/start_push": admin(
    async (context) => await context.engine.request("startPush", await readPush(context)),
  ),
  "POST /api/deploy2/evaluate_schema": admin(
    async (context) => await context.engine.request("evaluateSchema", await readPush(context)),
  ),
  "POST /api/deploy2/evaluate_push": admin(
    async (context) => await context.engine.request("evaluatePush", await readPush(context)),
  ),
  "POST /api/deploy2/wait_for_schema": admin(async (context) => {
    const body = await readObject(context);
    return await context.engine.request("waitForSchema", pushIdOf(body["schemaChange"]));
  }),
  "POST /api/deploy2/finish_push": admin(async (context) => {
    return await context.engine.request("finishPush", finishPushOf(await readObject(context)));
  }),
  // Timing spans of the CLI: nobody here reads them.
  "POST /api/deploy2/report_push_completed": admin(async (context) => {
    await readObject(context);
    return null;
  }),
};

function admin(answer: (context: RouteContext) => Promise<unknown>): Route {
  return { access: "admin", handle: async (context) => ({ type: "json", body: await answer(context) }) };
}

async function readObject({ request }: RouteContext): Promise<JsonObject> {
  return asObject(await readJsonBody(request, maxPushBodyBytes), "The body");
}

async function readPush(context: RouteContext): Promise<StartPushRequest> {
  const body = await readObject(context);
  return {
    dryRun: body["dryRun"] === true,
    functions: asString(body["functions"], "functions"),
    appDefinition: appDefinition(asObject(body["appDefinition"], "appDefinition")),
    componentDefinitions: asArray(body["componentDefinitions"], "componentDefinitions").map(
      componentDefinition,
    ),
    nodeDependencies: asArray(body["nodeDependencies"] ?? [], "nodeDependencies").map((dependency) => {
      const { name, version } = asObject(dependency, "A node dependency");
      return { name: asString(name, "Its name"), version: asString(version, "Its version") };
    }),
  };
}

function appDefinition(app: JsonObject): AppDefinitionPush {
  return {
    definition: optionalModule(app["definition"], "The app definition"),
    dependencies: definitionPaths(app["dependencies"]),
    schema: optionalModule(app["schema"], "The schema"),
    changedModules: asArray(app["changedModules"], "changedModules").map((module) =>
      pushedModule(module, "A module"),
    ),
    unchangedModuleHashes: asArray(app["unchangedModuleHashes"], "unchangedModuleHashes").map(moduleHash),
    udfServerVersion: asString(app["udfServerVersion"], "udfServerVersion"),
  };
}

function componentDefinition(value: unknown): ComponentDefinitionPush {
  const component = asObject(value, "A component definition");
  const definitionPath = asString(component["definitionPath"], "definitionPath");
  const what = `A module of component ${definitionPath}`;
  return {
    definitionPath,
    definition: pushedModule(component["definition"], what),
    dependencies: definitionPaths(component["dependencies"]),
    schema: optionalModule(component["schema"], what),
    functions: asArray(component["functions"], `The functions of ${definitionPath}`).map((module) =>
      pushedModule(module, what),
    ),
    udfServerVersion: asString(component["udfServerVersion"], "udfServerVersion"),
  };
}

function definitionPaths(value: unknown): string[] {
  return asArray(value, "dependencies").map((path) => asString(path, "A dependency"));
}

function optionalModule(value: unknown, what: string): PushedModule | null {
  return value === null || value === undefined ? null : pushedModule(value, what);
}

function pushedModule(value: unknown, what: string): PushedModule {
  const module = asObject(value, what);
  const { sourceMap } = module;
  return {
    path: asString(module["path"], `${what}: path`),
    source: asString(module["source"], `${what}: source`),
    ...(typeof sourceMap === "string" ? { sourceMap } : {}),
    environment: environmentOf(module["environment"], what),
  };
}

function moduleHash(value: unknown): PushedModuleHash {
  const module = asObject(value, "An unchanged module");
  return {
    path: asString(module["path"], "Its path"),
    sha256: asString(module["sha256"], "Its sha256"),
    environment: environmentOf(module["environment"], "An unchanged module"),
  };
}

function environmentOf(environment: unknown, what: string): "isolate" | "node" {
  if (environment === "isolate" || environment === "node") return environment;
  throw new DeploymentError("BadRequest", `${what}: environment must be "isolate" or "node".`);
}

function finishPushOf(body: JsonObject): FinishPushRequest {
  const startPush = asObject(body["startPush"], "startPush");
  return { pushId: pushIdOf(startPush["schemaChange"]), dryRun: body["dryRun"] === true };
}

function pushIdOf(schemaChange: unknown): string {
  const schemaIds = isObject(schemaChange) ? schemaChange["schemaIds"] : undefined;
  const pushId = isObject(schemaIds) ? schemaIds["pushId"] : undefined;
  return asString(pushId, "schemaChange.schemaIds.pushId");
}
