/** Calls of other functions: runQuery and runMutation in the same transaction, function handles. */
import { findFunction, requireKind } from "./deployedFunctions.ts";
import type { CalledKind, FunctionFrame } from "./functionRun.ts";
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
