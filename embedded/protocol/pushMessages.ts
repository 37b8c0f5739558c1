/** The bodies of `/api/deploy2/*` as the CLI sends and reads them (`convex/src/cli/lib/deployApi/*`). */
import type {
  EnvironmentBinding,
  HttpRoute,
  IndexDefinition,
  SearchIndexDefinition,
  ValidatorJson,
} from "./deployedCode.ts";
import type { PreparationStatus } from "./engine.ts";

export interface PushedModule {
  path: string;
  source: string;
  sourceMap?: string;
  environment: "isolate" | "node";
}

export interface PushedModuleHash {
  path: string;
  environment: "isolate" | "node";
  sha256: string;
}

export interface AppDefinitionPush {
  definition: PushedModule | null;
  /** Definition paths of the components it imports. */
  dependencies: string[];
  schema: PushedModule | null;
  changedModules: PushedModule[];
  /** The deployment still has the sources of these. */
  unchangedModuleHashes: PushedModuleHash[];
  udfServerVersion: string;
}

export interface ComponentDefinitionPush {
  definitionPath: string;
  definition: PushedModule;
  dependencies: string[];
  schema: PushedModule | null;
  functions: PushedModule[];
  udfServerVersion: string;
}

export interface StartPushRequest {
  dryRun: boolean;
  /** The functions directory, "convex/". */
  functions: string;
  appDefinition: AppDefinitionPush;
  componentDefinitions: ComponentDefinitionPush[];
  nodeDependencies: { name: string; version: string }[];
}

export type ComponentExports =
  | { type: "leaf"; leaf: string }
  | { type: "branch"; branch: [string, ComponentExports][] };

export interface DefinitionMetadata {
  path: string;
  definitionType: { type: "app"; httpPrefix?: string } | { type: "childComponent"; name: string };
  childComponents: { name: string; path: string; env: [string, EnvironmentBinding][] | null }[];
  httpMounts: Record<string, string>;
  exports: Extract<ComponentExports, { type: "branch" }>;
  envVars?: [string, { type: "value"; value: string; optional?: boolean }][];
}

export interface AnalyzedFunction {
  name: string;
  pos: null;
  udfType: "Query" | "Mutation" | "Action";
  visibility: { kind: "public" | "internal" };
  /** Validator JSON, encoded; null when the function declares none. */
  args: string | null;
  returns: string | null;
}

export interface AnalyzedModule {
  functions: AnalyzedFunction[];
  httpRoutes: HttpRoute[] | null;
  /** As `crons.export()` gave them, not yet checked. */
  cronSpecs: [string, unknown][] | null;
  sourceMapped: null;
}

export interface AnalyzedIndex {
  indexDescriptor: string;
  fields: string[];
}

export interface AnalyzedSearchIndex {
  indexDescriptor: string;
  searchField: string;
  filterFields: string[];
}

export interface AnalyzedTable {
  tableName: string;
  indexes: AnalyzedIndex[];
  stagedDbIndexes?: AnalyzedIndex[];
  searchIndexes?: AnalyzedSearchIndex[];
  stagedSearchIndexes?: AnalyzedSearchIndex[];
  vectorIndexes?: unknown[];
  stagedVectorIndexes?: unknown[];
  stagedDocumentType?: unknown;
  documentType: ValidatorJson | null;
}

export interface AnalyzedSchema {
  tables: AnalyzedTable[];
  schemaValidation: boolean;
}

export interface AnalyzedDefinition {
  definition: DefinitionMetadata;
  schema: AnalyzedSchema | null;
  functions: Record<string, AnalyzedModule>;
  udfConfig: { serverVersion: string; importPhaseRngSeed: null; importPhaseUnixTimestamp: null };
}

export type CheckedExport =
  | { type: "branch"; children: Record<string, CheckedExport> }
  | { type: "leaf"; resource: { type: "function"; path: { component: string; udfPath: string } } };

export interface CheckedComponent {
  definitionPath: string;
  componentPath: string;
  args: Record<string, never>;
  childComponents: Record<string, CheckedComponent>;
  httpRoutes: { httpModuleRoutes: HttpRoute[] | null; mounts: string[] };
  exports: Record<string, CheckedExport>;
}

export type IndexConfig = { name: string; staged?: true } & (
  | { type: "database"; fields: string[] }
  | { type: "search"; searchField: string; filterFields: string[] }
);

export interface IndexDiff {
  added_indexes: IndexConfig[];
  removed_indexes: IndexConfig[];
  enabled_indexes: IndexConfig[];
  disabled_indexes: IndexConfig[];
}

export interface SchemaChange {
  allocatedComponentIds: Record<string, never>;
  /** Holds the id of the push: the CLI echoes it in `wait_for_schema` and `finish_push`. */
  schemaIds: { pushId: string };
  indexDiffs: Record<string, IndexDiff>;
}

export interface StartPushResponse {
  environmentVariables: Record<string, string>;
  externalDepsId: null;
  componentDefinitionPackages: Record<string, null>;
  appAuth: unknown[];
  analysis: Record<string, AnalyzedDefinition>;
  app: CheckedComponent;
  schemaChange: SchemaChange;
}

export interface FinishPushRequest {
  pushId: string;
  dryRun: boolean;
}

export type SchemaStatus = PreparationStatus | { type: "raceDetected" };

export interface NameDiff {
  added: string[];
  removed: string[];
}

export interface ComponentDiff {
  diffType: { type: "create" | "modify" | "unmount" };
  moduleDiff: NameDiff;
  udfConfigDiff: { previous_version: string; next_version: string } | null;
  cronDiff: { added: string[]; updated: string[]; deleted: string[] };
  indexDiff: IndexDiff;
  schemaDiff: { previous_schema: string | null; next_schema: string | null } | null;
}

export interface FinishPushDiff {
  authDiff: NameDiff;
  definitionDiffs: Record<string, Record<string, never>>;
  componentDiffs: Record<string, ComponentDiff>;
}

export interface EvaluateSchemaResponse {
  componentSchemaEvaluations: Record<
    string,
    {
      definitionPath: string;
      schemaValidation: boolean;
      tables: { name: string; outcome: "notValidated" | "mustWalk"; numDocs: number; sizeBytes: number }[];
      indexes: (IndexConfig & {
        change: "added" | "identical" | "enabled" | "disabled" | "dropped";
        needsBackfill: boolean;
        numDocs: number;
      })[];
    }
  >;
  newComponentDefinitions: string[];
}

export interface ConfigHashes {
  config: { functions: string };
  moduleHashes: { path: string; hash: string; environment: "isolate" }[];
  udfServerVersion: string;
  nodeVersion: null;
  nodeDependencies: [];
}

/** What `schema.ts` calls an index in one table, with the table before the dot as the CLI prints it. */
export function indexConfig(
  tableName: string,
  index: IndexDefinition | SearchIndexDefinition,
  isStaged: boolean,
): IndexConfig {
  const place = { name: `${tableName}.${index.name}`, ...(isStaged ? { staged: true as const } : {}) };
  if ("fields" in index) return { ...place, type: "database", fields: index.fields };
  const { searchField, filterFields } = index;
  return { ...place, type: "search", searchField, filterFields: filterFields.toSorted() };
}
