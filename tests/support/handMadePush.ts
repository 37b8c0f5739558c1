/** Pushes without the CLI, for what its bundler would not let through or would not do in this order. */
export interface HandMadePush {
  modules?: Record<string, string>;
  schema?: string;
  definition?: string;
}

export interface PushAnswer {
  status: number;
  body: Record<string, unknown>;
}

export interface HandPusher {
  start: (push: HandMadePush) => Promise<PushAnswer>;
  waitForSchema: (started: PushAnswer) => Promise<PushAnswer>;
  finish: (started: PushAnswer) => Promise<PushAnswer>;
  setVariables: (changes: Record<string, string | null>) => Promise<PushAnswer>;
}

export function handPusher({ url, adminKey }: { url: string; adminKey: string }): HandPusher {
  const post = async (path: string, body: unknown): Promise<PushAnswer> => {
    const headers = { Authorization: `Convex ${adminKey}`, "Content-Type": "application/json" };
    const response = await fetch(url + path, { method: "POST", body: JSON.stringify(body), headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  return {
    start: (push) => post("/api/deploy2/start_push", requestOf(push)),
    waitForSchema: ({ body }) => post("/api/deploy2/wait_for_schema", { schemaChange: body["schemaChange"] }),
    finish: ({ body }) => post("/api/deploy2/finish_push", { startPush: body, dryRun: false }),
    setVariables: (changes) =>
      post("/api/update_environment_variables", {
        changes: Object.entries(changes).map(([name, value]) => ({ name, value })),
      }),
  };
}

function requestOf({ modules = {}, schema, definition }: HandMadePush): Record<string, unknown> {
  return {
    dryRun: false,
    functions: "convex/",
    appDefinition: {
      definition: definition === undefined ? null : moduleOf("convex.config.js", definition),
      dependencies: [],
      schema: schema === undefined ? null : moduleOf("schema.js", schema),
      changedModules: Object.entries(modules).map(([path, source]) => moduleOf(path, source)),
      unchangedModuleHashes: [],
      udfServerVersion: "1.48.0",
    },
    componentDefinitions: [],
    nodeDependencies: [],
  };
}

function moduleOf(path: string, source: string): Record<string, unknown> {
  return { path, source, environment: "isolate" };
}
