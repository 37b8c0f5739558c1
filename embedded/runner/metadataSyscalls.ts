/** ctx.auth and ctx.meta. */
import { convexToJson } from "convex/values";

import { displayName } from "./deployedFunctions.ts";
import type { FunctionFrame } from "./functionRun.ts";

/** Identity belongs to the app: a component learns who asks only from its arguments. */
export function userIdentity({ fn, request }: FunctionFrame): string {
  if (fn.componentPath !== "") return "null";
  request.readIdentity = true;
  return JSON.stringify(request.identity);
}

export function functionMetadata({ fn }: FunctionFrame): string {
  return JSON.stringify({ name: displayName(fn.name), componentPath: fn.componentPath });
}

export function requestMetadata({ request }: FunctionFrame): string {
  const { requestId, scheduledJobId, authToken } = request;
  request.readIdentity = true;
  return JSON.stringify({
    ip: null,
    userAgent: null,
    requestId,
    scheduledFunctionId: scheduledJobId,
    authToken,
  });
}

export function deploymentMetadata({ services }: FunctionFrame): string {
  return JSON.stringify({ name: services.instanceName, region: null, class: "s16" });
}

export function transactionMetrics({ request }: FunctionFrame): string {
  const files = { used: 0, remaining: 0 };
  return JSON.stringify({
    ...request.transaction.usage.metrics(),
    filesWritten: files,
    fileWriteBytes: files,
    filesRead: files,
    fileReadBytes: files,
  });
}

export function snapshotTs({ request }: FunctionFrame): string {
  return JSON.stringify(convexToJson(request.snapshotTs));
}
