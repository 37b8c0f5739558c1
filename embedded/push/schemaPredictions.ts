/** `evaluate_schema`: how much work a schema change would be. `convex deploy` asks before it deletes a large index. */
import type { DeployedCode } from "../protocol/deployedCode.ts";
import type { Engine } from "../protocol/engine.ts";
import type { EvaluateSchemaResponse, IndexConfig } from "../protocol/pushMessages.ts";
import { indexesOf, sameIndex } from "./codeDiff.ts";

type Prediction = EvaluateSchemaResponse["componentSchemaEvaluations"][string];

export function schemaPredictions(engine: Engine, next: DeployedCode): EvaluateSchemaResponse {
  const running = engine.code();
  const componentSchemaEvaluations: Record<string, Prediction> = {};
  for (const [path, component] of Object.entries(next.components)) {
    const old = running?.components[path];
    const documents = new Map(
      old === undefined ? [] : engine.listTables(path).map((table) => [table.name, table.documents]),
    );
    const countOf = (tableName: string): number => documents.get(tableName) ?? 0;
    componentSchemaEvaluations[path] = {
      definitionPath: component.definitionPath,
      schemaValidation: component.schema?.schemaValidation ?? false,
      tables: (component.schema?.tables ?? []).map(({ tableName }) => ({
        name: tableName,
        outcome: component.schema?.schemaValidation === true ? "mustWalk" : "notValidated",
        numDocs: countOf(tableName),
        sizeBytes: 0,
      })),
      indexes: predictIndexes(indexesOf(old), indexesOf(component), countOf),
    };
  }
  const known = new Set(Object.values(running?.components ?? {}).map(({ definitionPath }) => definitionPath));
  const definitionPaths = Object.values(next.components).map(({ definitionPath }) => definitionPath);
  return {
    componentSchemaEvaluations,
    newComponentDefinitions: [...new Set(definitionPaths)].filter((path) => !known.has(path)),
  };
}

function predictIndexes(
  old: IndexConfig[],
  next: IndexConfig[],
  countOf: (tableName: string) => number,
): Prediction["indexes"] {
  const before = new Map(old.map((index) => [sameIndex(index), index]));
  const after = new Set(next.map(sameIndex));
  const numDocs = (index: IndexConfig): number => countOf(index.name.split(".")[0] ?? "");
  const gone = old.filter((index) => !after.has(sameIndex(index)));
  return [
    ...next.map((index) => {
      const change = changeOf(before.get(sameIndex(index)), index);
      return { ...index, change, needsBackfill: change === "added", numDocs: numDocs(index) };
    }),
    ...gone.map((index) => ({
      ...index,
      change: "dropped" as const,
      needsBackfill: false,
      numDocs: numDocs(index),
    })),
  ];
}

function changeOf(
  before: IndexConfig | undefined,
  after: IndexConfig,
): Prediction["indexes"][number]["change"] {
  if (!before) return "added";
  if (before.staged === after.staged) return "identical";
  return after.staged ? "disabled" : "enabled";
}
