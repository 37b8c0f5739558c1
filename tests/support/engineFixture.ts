/** An engine over a database of its own, with code from a few lines of text and a clock the test moves. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openEngine } from "../../embedded/engine.ts";
import type { OpenEngine } from "../../embedded/engine.ts";
import type { EngineLimits } from "../../embedded/engineParts.ts";
import type { ActionRunner } from "../../embedded/protocol/actions.ts";
import type { Caller, FunctionCall, FunctionResult } from "../../embedded/protocol/calls.ts";
import type {
  ComponentCode,
  CronDefinition,
  DeployedCode,
  FunctionDefinition,
  ModuleCode,
  SchemaDefinition,
  ValidatorJson,
} from "../../embedded/protocol/deployedCode.ts";
import type { AnalyzedSchema } from "../../embedded/protocol/pushMessages.ts";
import { schemaDefinition } from "../../embedded/push/buildDeployedCode.ts";
import type { Database } from "../../embedded/store/database.ts";
import { ManualTimers } from "./manualTimers.ts";
import { bundleModules } from "./pushedApp.ts";
import type { AppFiles } from "./pushedApp.ts";
import { analysisRealm } from "./testRealm.ts";

export interface ComponentSource {
  /** File name in convex/ -> its text; "schema.ts" is the schema. */
  files: AppFiles;
  children?: Record<string, string>;
  crons?: Record<string, CronDefinition>;
}

const PRELUDE = `
import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action,
  internalQueryGeneric as internalQuery, internalMutationGeneric as internalMutation,
  internalActionGeneric as internalAction, anyApi, componentsGeneric } from "convex/server";
import { v } from "convex/values";
const components = componentsGeneric();
`;

/** A module's text with the usual imports before it. */
export function functions(text: string): string {
  return PRELUDE + text;
}

/** Text of a schema.ts whose default export is `defineSchema({ ...tables })`. */
export function schema(tables: string, options = ""): string {
  return `import { defineSchema, defineTable } from "convex/server"; import { v } from "convex/values";
    export default defineSchema({ ${tables} }${options && `, ${options}`});`;
}

export async function deployedCode(
  components: Record<string, ComponentSource>,
  version = 1,
): Promise<DeployedCode> {
  const built = await Promise.all(
    Object.entries(components).map(
      async ([path, source]) => [path, await componentCode(path, source)] as const,
    ),
  );
  return {
    version,
    components: Object.fromEntries(built),
    authProviders: [],
    functionsDir: "convex",
    udfServerVersion: "1.48.0",
  };
}

/** Code of an app without components. */
export function appCode(files: AppFiles, version = 1): Promise<DeployedCode> {
  return deployedCode({ "": { files } }, version);
}

async function componentCode(path: string, source: ComponentSource): Promise<ComponentCode> {
  const modules = await bundleModules(source.files);
  return {
    path,
    definitionPath: path,
    modules,
    functions: declaredFunctions(modules),
    schema: declaredSchema(modules),
    httpRoutes: null,
    crons: source.crons ?? {},
    children: source.children ?? {},
  };
}

interface DeclaredFunction {
  isQuery?: true;
  isMutation?: true;
  isAction?: true;
  isInternal?: true;
  exportArgs(): string;
  exportReturns(): string;
}

function declaredFunctions(modules: Record<string, ModuleCode>): Record<string, FunctionDefinition> {
  const realm = analysisRealm(modules);
  const found: Record<string, FunctionDefinition> = {};
  for (const path of Object.keys(modules).filter(
    (name) => !name.startsWith("_deps/") && name !== "schema.js",
  )) {
    const exports = realm.importModule(path) as Record<string, DeclaredFunction>;
    for (const [name, declared] of Object.entries(exports)) {
      const kind = declared.isQuery ? "query" : declared.isMutation ? "mutation" : "action";
      if (!declared.isQuery && !declared.isMutation && !declared.isAction) continue;
      found[`${path}:${name}`] = {
        kind,
        visibility: declared.isInternal ? "internal" : "public",
        args: JSON.parse(declared.exportArgs()) as ValidatorJson,
        returns: JSON.parse(declared.exportReturns()) as ValidatorJson | null,
      };
    }
  }
  realm.dispose();
  return found;
}

function declaredSchema(modules: Record<string, ModuleCode>): SchemaDefinition | null {
  if (!modules["schema.js"]) return null;
  const realm = analysisRealm(modules);
  const { default: declared } = realm.importModule("schema.js") as { default: { export(): string } };
  const exported = JSON.parse(declared.export()) as AnalyzedSchema;
  realm.dispose();
  return schemaDefinition(exported);
}

export class EngineFixture {
  readonly timers = new ManualTimers();
  readonly dataDir = mkdtempSync(join(tmpdir(), "engine-"));
  readonly log: string[] = [];
  /** Clock of the batches of commits: a batch ends when the event loop has gone round, not because time passes. */
  monotonicMs = (): number => 0;
  /** Processor time that functions are taken to have used. */
  threadCpuMs = (): number => process.threadCpuUsage().user / 1000;
  runAction: ActionRunner = async () => ({ status: "success", valueJson: "null", logLines: [] });
  readonly #limits: Partial<EngineLimits>;
  readonly #openDatabase: ((path: string) => Database) | null;
  engine: OpenEngine;

  constructor(limits: Partial<EngineLimits> = {}, openDatabase: ((path: string) => Database) | null = null) {
    this.#limits = limits;
    this.#openDatabase = openDatabase;
    this.engine = this.#open();
  }

  static async with(
    code: DeployedCode,
    limits?: Partial<EngineLimits>,
    openDatabase?: (path: string) => Database,
  ): Promise<EngineFixture> {
    const fixture = new EngineFixture(limits, openDatabase);
    await fixture.engine.installCode(code);
    return fixture;
  }

  /** Opens the same database again, as after the end of the process. */
  async reopen(): Promise<void> {
    await this.engine.close();
    this.engine = this.#open();
  }

  async close(): Promise<void> {
    await this.engine.close();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** What the query returned. */
  async query(name: string, args: unknown = {}): Promise<unknown> {
    const [run] = await this.engine.runQueries([call(name, args)]);
    if (!run) throw new Error("no run");
    return valueOf(run.result);
  }

  /** What the mutation returned. */
  async mutation(name: string, args: unknown = {}): Promise<unknown> {
    return valueOf((await this.engine.runMutation(call(name, args))).result);
  }

  /** Message of the error the call ends with. */
  async errorOf(name: string, args: unknown = {}, caller?: Caller): Promise<string> {
    const result = await this.engine.runAny(call(name, args, caller));
    if (result.status === "success") throw new Error(`${name} succeeded: ${result.valueJson}`);
    return result.message;
  }

  #open(): OpenEngine {
    return openEngine({
      dataDir: this.dataDir,
      instanceName: "test",
      timers: this.timers,
      limits: this.#limits,
      monotonicMs: () => this.monotonicMs(),
      threadCpuMs: () => this.threadCpuMs(),
      randomBytes: (count) => randomBytes(count),
      log: (line) => this.log.push(line),
      runAction: (actionCall, requestId) => this.runAction(actionCall, requestId),
      builtInEnvironment: () => ({ CONVEX_CLOUD_URL: "http://127.0.0.1:1" }),
      ...(this.#openDatabase ? { openDatabase: this.#openDatabase } : {}),
    });
  }
}

export function call(name: string, args: unknown = {}, caller: Caller = { kind: "anonymous" }): FunctionCall {
  return { componentPath: "", name, argsJson: JSON.stringify(args), caller };
}

export function valueOf(result: FunctionResult): unknown {
  if (result.status === "error") throw new Error(result.message);
  return JSON.parse(result.valueJson);
}
