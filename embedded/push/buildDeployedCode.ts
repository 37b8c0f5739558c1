/** From an evaluated push to the code as the engine keeps and runs it. */
import {
  type ComponentCode,
  type DeployedCode,
  type FunctionDefinition,
  type IndexDefinition,
  type SchemaDefinition,
  type SearchIndexDefinition,
  type ValidatorJson,
} from "../protocol/deployedCode.ts";
import type {
  AnalyzedIndex,
  AnalyzedSchema,
  AnalyzedSearchIndex,
  StartPushRequest,
} from "../protocol/pushMessages.ts";
import type { AnalysisOutput, EvaluatedDefinition } from "./analysisMessages.ts";
import { requiredVariables } from "./requiredVariables.ts";
import { cronDefinitions } from "./cronSpecs.ts";
import { allInstances, componentTree, httpRoutesOf, type ComponentInstance } from "./componentTree.ts";

export function buildDeployedCode(
  request: StartPushRequest,
  output: AnalysisOutput,
  version: number,
): DeployedCode {
  const components = allInstances(componentTree(output)).map(componentCode);
  return {
    version,
    components: Object.fromEntries(components.map((component) => [component.path, component])),
    authProviders: output.authProviders,
    requiredVariables: requiredVariables(output),
    functionsDir: request.functions,
    udfServerVersion: request.appDefinition.udfServerVersion,
  };
}

function componentCode({
  path,
  definitionPath,
  definition,
  environment,
  children,
}: ComponentInstance): ComponentCode {
  const functions = functionDefinitions(definition);
  return {
    path,
    definitionPath,
    modules: definition.modules,
    functions,
    schema: schemaDefinition(definition.schema),
    httpRoutes: httpRoutesOf(definition),
    crons: cronDefinitions(definition.functions["crons.js"]?.cronSpecs ?? [], functions),
    ...(environment === null ? {} : { environment }),
    children: Object.fromEntries(Object.entries(children).map(([name, child]) => [name, child.path])),
  };
}

function functionDefinitions({ functions }: EvaluatedDefinition): Record<string, FunctionDefinition> {
  const definitions: Record<string, FunctionDefinition> = {};
  for (const [modulePath, module] of Object.entries(functions)) {
    for (const { name, udfType, visibility, args, returns } of module.functions) {
      definitions[`${modulePath}:${name}`] = {
        kind: udfType.toLowerCase() as FunctionDefinition["kind"],
        visibility: visibility.kind,
        args: args === null ? { type: "any" } : (JSON.parse(args) as ValidatorJson),
        returns: returns === null ? null : (JSON.parse(returns) as ValidatorJson),
      };
    }
  }
  return definitions;
}

/** null where there is no schema. */
export function schemaDefinition(schema: AnalyzedSchema | null): SchemaDefinition | null {
  if (schema === null) return null;
  return {
    schemaValidation: schema.schemaValidation,
    tables: schema.tables.map((table) => ({
      tableName: table.tableName,
      indexes: table.indexes.map(indexDefinition),
      searchIndexes: (table.searchIndexes ?? []).map(searchIndexDefinition),
      stagedIndexes: (table.stagedDbIndexes ?? []).map(indexDefinition),
      stagedSearchIndexes: (table.stagedSearchIndexes ?? []).map(searchIndexDefinition),
      documentType: table.documentType,
    })),
  };
}

function indexDefinition({ indexDescriptor, fields }: AnalyzedIndex): IndexDefinition {
  return { name: indexDescriptor, fields };
}

function searchIndexDefinition(index: AnalyzedSearchIndex): SearchIndexDefinition {
  const { indexDescriptor, searchField, filterFields } = index;
  return { name: indexDescriptor, searchField, filterFields };
}
