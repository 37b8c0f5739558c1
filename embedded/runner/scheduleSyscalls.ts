/** ctx.scheduler: what may be scheduled and when, in Convex's words (`crates/udf/src/validation.rs`). */
import { getConvexSize } from "convex/values";

import type { ComponentCode, DeployedCode } from "../protocol/deployedCode.ts";
import { decodeValue } from "../values/convexJson.ts";
import type { FunctionAddress } from "./deployedFunctions.ts";
import type { FunctionFrame, FunctionRequest, RunnerServices } from "./functionRun.ts";
import { addLogLine } from "./logLines.ts";
import type { SyscallArgs } from "./syscallArgs.ts";

const FIVE_YEARS_S = 5 * 366 * 24 * 3600;
/** From this version of the client on, a mutation that cancels its own job is told off (as on Convex). */
const SELF_CANCEL_FAILS_FROM = [1, 50, 0];

export function scheduleJob({ request, services, fn }: FunctionFrame, args: SyscallArgs): string {
  return JSON.stringify(scheduleCall(services, request, fn.component, args));
}

/**
 * Puts the call into the schedule as `from` asks; returns its id. Only that the function is there is checked now: its
 * kind and its arguments are when it runs.
 */
export function scheduleCall(
  services: RunnerServices,
  request: Pick<FunctionRequest, "code" | "transaction" | "nowMs" | "scheduledJobId">,
  from: ComponentCode,
  args: SyscallArgs,
): string {
  const { code, transaction, nowMs, scheduledJobId } = request;
  const address = services.addresses.resolve(code, from, args);
  const atSeconds = checkedTime(args.json("ts"), nowMs);
  const callArgs = args.json("args");
  const bytes = getConvexSize([decodeValue(callArgs)]);
  requireFunction(code, address);
  transaction.usage.count("functionsScheduled", 1);
  transaction.usage.count("scheduledFunctionArgsBytes", bytes);
  return services.schedule(transaction, from.path, {
    ...address,
    argsJson: JSON.stringify(callArgs),
    // The client sends seconds; whole milliseconds went into them.
    atMs: Math.round(atSeconds * 1000),
    parentJobId: scheduledJobId,
  });
}

export function cancelJob({ request, services, fn }: FunctionFrame, args: SyscallArgs): string {
  const id = args.string("id");
  if (id !== request.scheduledJobId) services.cancelScheduled(request.transaction, fn.componentPath, id);
  else if (isAtLeast(request.code.udfServerVersion, SELF_CANCEL_FAILS_FROM))
    throw new Error("A mutation cannot cancel itself");
  else {
    addLogLine(
      request.logLines,
      "[WARN] A scheduled mutation canceling itself is deprecated and will throw an error in a future version of Convex.",
    );
  }
  return "null";
}

/** @returns seconds since 1970. The client itself refuses what is no number, and negative delays. */
function checkedTime(seconds: unknown, nowMs: number): number {
  if (typeof seconds !== "number") {
    const got = seconds === null ? "null" : typeof seconds;
    throw new Error(`Invalid arguments for \`scheduler\`: invalid type: ${got}, expected f64`);
  }
  if (seconds < 0) {
    throw new Error(
      "Invalid arguments for `ts`: cannot convert float seconds to Duration: value is negative",
    );
  }
  const delay = seconds - nowMs / 1000;
  if (delay > FIVE_YEARS_S) throw new Error(`${timestampText(seconds)} is more than 5 years in the future`);
  if (delay < -FIVE_YEARS_S) throw new Error(`${timestampText(seconds)} is more than 5 years in the past`);
  return seconds;
}

function timestampText(seconds: number): string {
  const whole = Math.floor(seconds);
  const nanos = Math.round((seconds - whole) * 1e9);
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `UnixTimestamp(${whole}${fraction}s)`;
}

function requireFunction(code: DeployedCode, { componentPath, name }: FunctionAddress): void {
  const component = code.components[componentPath];
  if (component?.functions[name]) return;
  const [modulePath = "", exportName = ""] = name.split(":");
  if (!component?.modules[modulePath]) {
    const place = componentPath === "" ? modulePath : `${componentPath} ${modulePath}`;
    throw new Error(`Attempted to schedule function at nonexistent path: ${place}`);
  }
  const where = componentPath === "" ? modulePath : `${modulePath} in '${componentPath}'`;
  throw new Error(
    `Attempted to schedule function, but no exported function ${exportName} found in the file: ${where}. ` +
      "Did you forget to export it?",
  );
}

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(".").map((part) => Number.parseInt(part, 10));
  for (const [position, part] of wanted.entries()) {
    const own = parts[position] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}
