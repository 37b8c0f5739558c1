/** A completion as the CLI's `logs` reads it (`convex/src/cli/lib/generatedFunctionLogsApi.ts`, FunctionExecutionJson). */
import type { FunctionCompletion } from "../protocol/calls.ts";

const udfTypes = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
} as const;

export function functionExecutionJson(completion: FunctionCompletion): Record<string, unknown> {
  return {
    kind: "Completion",
    udfType: udfTypes[completion.kind],
    componentPath: completion.componentPath === "" ? null : completion.componentPath,
    identifier: completion.name.replace(/\.js(?=:|$)/, ""),
    logLines: completion.logLines,
    timestamp: completion.startedAtMs / 1000,
    executionTimestamp: completion.startedAtMs / 1000,
    executionTime: completion.executionMs / 1000,
    cachedResult: completion.cachedResult,
    success: completion.error === null ? null : undefined,
    error: completion.error,
    requestId: completion.requestId,
    executionId: completion.requestId,
    caller: "Unknown",
    identityType: "unknown",
    environment: "isolate",
    willRetry: false,
  };
}
