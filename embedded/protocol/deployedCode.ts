/**
 * The code of a deployment as it is kept and run: one version, all components. A push builds it,
 * the store persists it, the engine thread and the action thread load it.
 */

import type { AuthProvider } from "./authProvider.ts";

/** "" is the app itself, "persistentTextStreaming" a child, "a/b" a grandchild. */
export type ComponentPath = string;

/** One bundled module as the CLI sent it, with the form in which it is run. */
export interface ModuleCode {
  /** Path in its component, as pushed: "messages.js", "_deps/ABC123.js". */
  path: string;
  environment: "isolate";
  source: string;
  sourceMap: string | null;
  /** Hex SHA-256 of source and source map, as the CLI computes it. */
  sha256: string;
  /** CommonJS form of `source`, made once per push by `compileModules`. */
  script: string;
  /** From `script` to the files `sourceMap` names, without their text. */
  scriptSourceMap: string | null;
}

export type FunctionKind = "query" | "mutation" | "action";

export interface FunctionDefinition {
  kind: FunctionKind;
  visibility: "public" | "internal";
  /** Validator JSON as `exportArgs()` gives it, parsed. `{ type: "any" }` when absent. */
  args: ValidatorJson;
  /** Validator JSON as `exportReturns()` gives it, parsed; null when absent. */
  returns: ValidatorJson | null;
}

/** The JSON form of `convex/values` validators (see `convex/src/values/validators.ts`). */
export type ValidatorJson =
  | { type: "null" | "number" | "bigint" | "boolean" | "string" | "bytes" | "any" | "commitTs" }
  | { type: "literal"; value: unknown }
  | { type: "id"; tableName: string }
  | { type: "array"; value: ValidatorJson }
  | { type: "record"; keys: ValidatorJson; values: { fieldType: ValidatorJson; optional: false } }
  | { type: "object"; value: Record<string, { fieldType: ValidatorJson; optional: boolean }> }
  | { type: "union"; value: ValidatorJson[] };

export interface IndexDefinition {
  /** Name of the index, "by_chat"; unique in its table. */
  name: string;
  /** Fields in order, without the implicit trailing `_creationTime` and `_id`. */
  fields: string[];
}

export interface SearchIndexDefinition {
  name: string;
  /** Path of the field whose text is searched. */
  searchField: string;
  /** Paths of the fields that a search may compare. */
  filterFields: string[];
}

export type AnyIndexDefinition = IndexDefinition | SearchIndexDefinition;

export interface TableDefinition {
  tableName: string;
  indexes: IndexDefinition[];
  // The lists of the next three kinds are absent in code that was stored before there were any.
  searchIndexes?: SearchIndexDefinition[];
  /** Staged indexes are filled and kept, but not used. */
  stagedIndexes?: IndexDefinition[];
  stagedSearchIndexes?: SearchIndexDefinition[];
  /** null when the table takes any document. */
  documentType: ValidatorJson | null;
}

export interface SchemaDefinition {
  tables: TableDefinition[];
  schemaValidation: boolean;
}

export interface HttpRoute {
  method: string;
  /** Exact path "/chat-stream" or prefix "/files/*". */
  path: string;
}

export interface CronDefinition {
  /** Function name as `canonicalFunctionName`. */
  name: string;
  /** Convex JSON of the arguments array, as `crons.export()` gives it. */
  args: unknown[];
  schedule: CronSchedule;
}

/** What a component's variable stands for: a text, or a variable of the deployment by its name. */
export type EnvironmentBinding = { type: "value"; value: string } | { type: "envVar"; name: string };

/** As `crons.export()` gives it and `push/cronSpecs.ts` has checked it; an interval in seconds, whatever its unit was. */
export type CronSchedule =
  | { type: "interval"; seconds: number }
  | { type: "hourly"; minuteUTC?: number }
  | { type: "daily"; hourUTC: number; minuteUTC?: number }
  | { type: "weekly"; dayOfWeek: string; hourUTC: number; minuteUTC?: number }
  | { type: "monthly"; day: number; hourUTC: number; minuteUTC?: number }
  | { type: "cron"; cron: string };

export interface ComponentCode {
  path: ComponentPath;
  /** Name of the definition, as `defineComponent(name)` gave it; "" for the app. */
  definitionPath: string;
  modules: Record<string, ModuleCode>;
  /** Keyed by canonical name: "messages.js:send", "model/access.js:check". */
  functions: Record<string, FunctionDefinition>;
  schema: SchemaDefinition | null;
  httpRoutes: HttpRoute[] | null;
  crons: Record<string, CronDefinition>;
  /** Variables that a component sees, by name; absent for the app, which sees the deployment's. */
  environment?: Record<string, EnvironmentBinding>;
  /** Name in the parent -> path of the child. */
  children: Record<string, ComponentPath>;
}

export interface DeployedCode {
  /** Grows by one with each push. */
  version: number;
  components: Record<ComponentPath, ComponentCode>;
  /** Of `auth.config`, in the order in which they are asked. */
  authProviders: AuthProvider[];
  /** Environment variables that the app says it cannot be without. */
  requiredVariables?: string[];
  /** What the CLI sent as `functions` and `udfServerVersion`, echoed by `get_config_hashes`. */
  functionsDir: string;
  udfServerVersion: string;
}

/** What queries of the code use. */
export function liveIndexes({ indexes, searchIndexes = [] }: TableDefinition): AnyIndexDefinition[] {
  return [...indexes, ...searchIndexes];
}

export function stagedIndexes({
  stagedIndexes: database = [],
  stagedSearchIndexes = [],
}: TableDefinition): AnyIndexDefinition[] {
  return [...database, ...stagedSearchIndexes];
}

/** "messages:send" and "messages.js:send" -> "messages.js:send"; "messages" -> "messages.js:default". */
export function canonicalFunctionName(name: string): string {
  const [modulePath = "", exportName = "default"] = name.split(":");
  const withExtension = modulePath.endsWith(".js") ? modulePath : `${modulePath}.js`;
  return `${withExtension}:${exportName}`;
}
