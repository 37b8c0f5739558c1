/** Calls of other functions: runQuery and runMutation in the same transaction, the scheduler, function handles. */
import { findFunction, requireKind } from "./deployedFunctions.ts";
import { encodedArguments } from "./functionValues.ts";
import type { CalledKind, FunctionFrame, FunctionRequest, RunnerServices } from "./functionRun.ts";
import type { ComponentCode } from "../protocol/deployedCode.ts";
import { isRecord } from "./syscallArgs.ts";
import type { SyscallArgs } from "./syscallArgs.ts";
import { TRANSACTION_LIMITS } from "../transaction/transactionUsage.ts";
import type { UsageCounts, UsageMetric } from "../transaction/transactionUsage.ts";

export function runUdf(frame: FunctionFrame, args: SyscallArgs): string {
  const { request, services, fn } = frame;
  const called = calledKind(args.string("udfType"), frame.kind);
  const address = services.addresses.resolve(request.code, fn.component, args);
  const callee = findFunction(request.code, address);
  requireKind(callee, called === "mutation" ? "mutation" : "query");
  const result = frame.call(callee, called, args.json("args"), transactionLimits(args));
  if (result.status === "success") return result.valueJson;
  const error = new Error(result.message);
  throw result.dataJson === undefined
    ? error
    : Object.assign(error, { data: JSON.parse(result.dataJson) as unknown });
}

/** @param udfType - As the client library names it. */
function calledKind(udfType: string, caller: FunctionFrame["kind"]): CalledKind {
  const names = { query: "Query", snapshotQuery: "SnapshotQuery", mutation: "Mutation" } as const;
  if (!Object.hasOwn(names, udfType))
    throw new Error(`Invalid argument \`udfType\` for \`runUdf\`: ${udfType}`);
  const called = udfType as CalledKind;
  if (caller === "query" && called !== "query")
    throw new Error(`Cannot call a ${names[called]} function from a Query function`);
  return called;
}

export function scheduleJob({ request, services, fn }: FunctionFrame, args: SyscallArgs): string {
  return JSON.stringify(scheduleCall(services, request, fn.component, args));
}

/** Puts the call into the schedule as `from` asks; returns its id. */
export function scheduleCall(
  services: RunnerServices,
  { code, transaction }: Pick<FunctionRequest, "code" | "transaction">,
  from: ComponentCode,
  args: SyscallArgs,
): string {
  const address = services.addresses.resolve(code, from, args);
  const callee = findFunction(code, address);
  if (callee.definition.kind === "query")
    throw new Error("Only mutations and actions can be scheduled, not queries.");
  const callArgs = args.json("args");
  encodedArguments(callee, callArgs, transaction.tableNames(callee.componentPath));
  const argsJson = JSON.stringify(callArgs);
  transaction.usage.count("functionsScheduled", 1);
  transaction.usage.count("scheduledFunctionArgsBytes", Buffer.byteLength(argsJson));
  // The client sends seconds; whole milliseconds went into them.
  return services.schedule(transaction, from.path, {
    ...address,
    argsJson,
    atMs: Math.round(args.number("ts") * 1000),
  });
}

export function cancelJob({ request, services, fn }: FunctionFrame, args: SyscallArgs): string {
  const id = args.string("id");
  if (id === request.scheduledJobId) throw new Error("A mutation cannot cancel itself");
  services.cancelScheduled(request.transaction, fn.componentPath, id);
  return "null";
}

export function createFunctionHandle(frame: FunctionFrame, args: SyscallArgs): string {
  const { request, services, fn } = frame;
  const existing = args.optionalString("functionHandle");
  if (existing !== null) return JSON.stringify(existing);
  const address = services.addresses.resolve(request.code, fn.component, args);
  return JSON.stringify(services.addresses.handleOf(findFunction(request.code, address)));
}

function transactionLimits(args: SyscallArgs): Partial<UsageCounts> {
  const given = args.json("transactionLimits");
  if (!isRecord(given)) return {};
  const limits: Partial<UsageCounts> = {};
  for (const metric of Object.keys(TRANSACTION_LIMITS) as UsageMetric[]) {
    const limit = given[metric];
    if (typeof limit === "number") limits[metric] = limit;
  }
  return limits;
}
