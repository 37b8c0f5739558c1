/** The `analysis` of a push's answer: what codegen makes types from. */
import type { AnalyzedDefinition, StartPushRequest } from "../protocol/pushMessages.ts";
import type { AnalysisOutput } from "./analysisMessages.ts";
import { publicExports } from "./componentTree.ts";

export function analyzedDefinitions(
  request: StartPushRequest,
  output: AnalysisOutput,
): Record<string, AnalyzedDefinition> {
  const serverVersions = new Map<string, string>([["", request.appDefinition.udfServerVersion]]);
  for (const { definitionPath, udfServerVersion } of request.componentDefinitions) {
    serverVersions.set(definitionPath, udfServerVersion);
  }
  const analyzed: Record<string, AnalyzedDefinition> = {};
  for (const [path, definition] of Object.entries(output.definitions)) {
    const { metadata, schema, functions } = definition;
    analyzed[path] = {
      // The app's functions are reached by their own names; only components export.
      definition: { ...metadata, exports: path === "" ? metadata.exports : publicExports(definition) },
      schema,
      functions,
      udfConfig: {
        serverVersion: serverVersions.get(path) ?? "",
        importPhaseRngSeed: null,
        importPhaseUnixTimestamp: null,
      },
    };
  }
  return analyzed;
}
