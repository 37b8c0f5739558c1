/** What this deployment does not do is refused at the push, in a sentence, rather than failing later in a call. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalyzedTable, PushedModule, StartPushRequest } from "../protocol/pushMessages.ts";
import type { AnalysisOutput, EvaluatedDefinition } from "./analysisMessages.ts";

/** Before anything is evaluated. */
export function refuseUnsupportedModules({ appDefinition, nodeDependencies }: StartPushRequest): void {
  const nodeModule = [...appDefinition.changedModules, ...appDefinition.unchangedModuleHashes].find(
    isNodeModule,
  );
  if (nodeModule !== undefined) {
    throw unsupported(
      `${nodeModule.path} says "use node". The embedded deployment runs every function in the default runtime: remove the directive, or deploy to Convex.`,
    );
  }
  if (nodeDependencies.length > 0)
    throw unsupported(
      "externalPackages of convex.json belong to Node actions, which the embedded deployment does not run. Take them " +
        "out, so that they are bundled, or deploy to Convex.",
    );
}

function isNodeModule({ environment }: Pick<PushedModule, "environment">): boolean {
  return environment === "node";
}

/** After evaluation. */
export function refuseUnsupportedFeatures({ definitions }: AnalysisOutput): void {
  for (const [path, definition] of Object.entries(definitions)) {
    const where = path === "" ? "the app" : `component ${path}`;
    refuseDefinitionFeatures(definition, where);
    for (const table of definition.schema?.tables ?? []) refuseTableFeatures(table, where);
  }
}

function refuseDefinitionFeatures({ metadata }: EvaluatedDefinition, where: string): void {
  if (Object.keys(metadata.httpMounts).length > 0) {
    throw unsupported(
      `In convex.config.ts of ${where}, httpPrefix mounts the HTTP routes of a component, which the embedded deployment ` +
        "does not serve. Leave httpPrefix out and route to the component in http.ts, or deploy to Convex.",
    );
  }
}

const unsupportedTableFields = {
  vectorIndexes: "a vector index",
  stagedVectorIndexes: "a staged vector index",
  stagedDocumentType: "a staged validator",
} satisfies Partial<Record<keyof AnalyzedTable, string>>;

function refuseTableFeatures(table: AnalyzedTable, where: string): void {
  for (const [field, kind] of Object.entries(unsupportedTableFields)) {
    const value = table[field as keyof AnalyzedTable];
    if (value == null || (Array.isArray(value) && value.length === 0)) continue;
    throw unsupported(
      `Table "${table.tableName}" of ${where} has ${kind}, which the embedded deployment does not build. ` +
        "Take it out of schema.ts, or deploy to Convex.",
    );
  }
}

function unsupported(message: string): DeploymentError {
  return new DeploymentError("Unsupported", message);
}
