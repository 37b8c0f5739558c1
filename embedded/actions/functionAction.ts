/** Runs one action for the engine: a client's, a scheduled one, or one that another function called. */
import type { FunctionResult } from "../protocol/calls.ts";
import { ActionRun } from "./actionRun.ts";
import { tooManyActions } from "./actionSlots.ts";
import type { ActionServices } from "./services.ts";
import type { RunRequest, RunnableComponent } from "./threadMessages.ts";

/** Never rejects: whatever happens is the result. */
export async function runFunctionAction(request: RunRequest, services: ActionServices): Promise<void> {
  // What is deployed now is what it begins with, also after waiting for a slot.
  const component = services.component(request.componentPath);
  const release = await services.slots.acquire(request.origin);
  const result = await resultOf(request, services, component, release !== null);
  release?.();
  services.post({ kind: "runEnded", runId: request.runId, result });
}

async function resultOf(
  request: RunRequest,
  services: ActionServices,
  component: RunnableComponent | null,
  hasSlot: boolean,
): Promise<FunctionResult> {
  if (!hasSlot) {
    const message = tooManyActions("action", services.limits.concurrent);
    return { status: "error", message, logLines: [] };
  }
  if (!component)
    return { status: "error", message: `There is no component "${request.componentPath}".`, logLines: [] };
  const [path = "", exportName = "default"] = request.name.split(":");
  const run = new ActionRun({
    realm: services.realms.take(request.componentPath, path, {
      ...component,
      env: services.environment(request.componentPath),
    }),
    garbage: services.garbage,
    maxRunMs: services.limits.maxRunMs,
    folders: services.folders,
    ask: (op, argsJson) => services.syscalls.ask(request.runId, op, argsJson),
    jsSyscall: refuseJsSyscall,
  });
  try {
    const args = [request.requestId, `[${request.argsJson}]`];
    const valueJson = await Promise.race([
      run.realm.call(path, exportName, "invokeAction", args),
      run.failed,
    ]);
    return { status: "success", valueJson, logLines: run.logLines };
  } catch (error) {
    return { status: "error", ...run.describeError(error), logLines: run.logLines };
  } finally {
    run.end();
    services.syscalls.forget(request.runId);
  }
}

/** @throws always. */
export function refuseJsSyscall(op: string): never {
  throw new Error(`Unknown JS syscall: ${op}`);
}
