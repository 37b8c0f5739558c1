/** Syscalls of actions: each one is a transaction, or a call, of its own. */
import type { ActionContext, ActionSyscallResult } from "../protocol/actions.ts";
import type { FunctionCall, FunctionResult } from "../protocol/calls.ts";
import type { ComponentCode, DeployedCode } from "../protocol/deployedCode.ts";
import { findFile } from "../files/fileRows.ts";
import { readingStorageSyscalls, writingStorageSyscalls } from "../files/storageSyscalls.ts";
import { FIND_FILE, STORE_FILE } from "../protocol/actions.ts";
import type { CodeStore } from "../store/codeStore.ts";
import type { Transactions } from "../transaction/transactions.ts";
import type { CallRunner } from "./callRunner.ts";
import { displayName, findFunction } from "./deployedFunctions.ts";
import type { RunnerServices } from "./functionRun.ts";
import { messageOf } from "./functionRun.ts";
import { identityOf, tokenOf } from "./identity.ts";
import { scheduleCall } from "./scheduleSyscalls.ts";
import { SyscallArgs } from "./syscallArgs.ts";
import { unknownSyscall } from "./syscalls.ts";

export interface ActionSyscallParts {
  calls: CallRunner;
  services: RunnerServices;
  transactions: Transactions;
  codeStore: CodeStore;
  nowMs: () => number;
}

interface ActionFrame extends ActionSyscallParts {
  context: ActionContext;
  code: DeployedCode;
  component: ComponentCode;
}

type ActionSyscall = (
  frame: ActionFrame,
  args: SyscallArgs,
) => FunctionResult | string | Promise<FunctionResult | string>;

/** Each in a transaction of its own. */
const STORAGE_SYSCALLS: Record<string, ActionSyscall> = {};
for (const [op, syscall] of Object.entries(readingStorageSyscalls)) {
  STORAGE_SYSCALLS[op] = ({ services: { storage }, transactions, component }, args) =>
    transactions.read((transaction) =>
      syscall({ storage, transaction, componentPath: component.path }, args),
    );
}
for (const [op, syscall] of Object.entries(writingStorageSyscalls)) {
  STORAGE_SYSCALLS[op] = async ({ services: { storage }, transactions, component }, args) => {
    const { result } = await transactions.submit((transaction) =>
      syscall({ storage, transaction, componentPath: component.path }, args),
    );
    return result;
  };
}

const ACTION_SYSCALLS: Readonly<Record<string, ActionSyscall>> = {
  ...STORAGE_SYSCALLS,
  [STORE_FILE]: async ({ services, component }, args) => {
    const id = await services.storage.store.store({
      folder: "actions",
      componentPath: component.path,
      key: args.string("key"),
      size: args.number("size"),
      sha256: args.string("sha256"),
      contentType: args.optionalString("contentType"),
    });
    return JSON.stringify(id);
  },
  [FIND_FILE]: ({ transactions, component }, args) =>
    transactions.read((transaction) => {
      const file = findFile(transaction, component.path, args.string("storageId"), "storage.getMetadata");
      return JSON.stringify(file && { key: file.key, contentType: file.contentType });
    }),
  "1.0/actions/query": (frame, args) => frame.calls.query(calleeOf(frame, args)).result,
  "1.0/actions/mutation": async (frame, args) =>
    (await frame.calls.mutation(calleeOf(frame, args), undefined, jobOf(frame))).result,
  "1.0/actions/action": (frame, args) => frame.calls.action(calleeOf(frame, args), jobOf(frame)),
  "1.0/actions/schedule": async (frame, args) => {
    const { transactions, services, code, component, nowMs } = frame;
    const { result } = await transactions.submit((transaction) => {
      const from = { code, transaction, nowMs: nowMs(), scheduledJobId: jobOf(frame) };
      return scheduleCall(services, from, component, args);
    });
    return JSON.stringify(result);
  },
  "1.0/actions/cancel_job": async ({ transactions, services, component }, args) => {
    await transactions.submit((transaction) =>
      services.cancelScheduled(transaction, component.path, args.string("id")),
    );
    return "null";
  },
  "1.0/getUserIdentity": ({ context, component }) => {
    if (component.path !== "") return "null";
    if (context.identityRefusal !== undefined) throw new Error(context.identityRefusal);
    return JSON.stringify(identityOf(context.caller));
  },
  "1.0/createFunctionHandle": ({ services, code, component }, args) => {
    const existing = args.optionalString("functionHandle");
    if (existing !== null) return JSON.stringify(existing);
    return JSON.stringify(
      services.addresses.handleOf(findFunction(code, services.addresses.resolve(code, component, args))),
    );
  },
  "1.0/getFunctionMetadata": ({ context }) =>
    JSON.stringify({ name: displayName(context.name), componentPath: context.componentPath }),
  "1.0/getRequestMetadata": (frame) =>
    JSON.stringify({
      ip: null,
      userAgent: null,
      requestId: frame.context.requestId,
      scheduledFunctionId: jobOf(frame),
      authToken: tokenOf(frame.context.caller),
    }),
  "1.0/getDeploymentMetadata": ({ services }) =>
    JSON.stringify({ name: services.instanceName, region: null, class: "s16" }),
};

/** Never rejects. */
export async function answerActionSyscall(
  parts: ActionSyscallParts,
  context: ActionContext,
  op: string,
  argsJson: string,
): Promise<ActionSyscallResult> {
  try {
    const syscall = ACTION_SYSCALLS[op];
    if (!syscall) throw new Error(unknownSyscall(op));
    const code = parts.codeStore.current();
    const component = code?.components[context.componentPath];
    if (!code || !component)
      throw new Error(`The component '${context.componentPath}' is no longer deployed.`);
    const answer = await syscall({ ...parts, context, code, component }, SyscallArgs.parse(argsJson));
    if (typeof answer === "string") return { status: "success", valueJson: answer };
    if (answer.status === "success") return { status: "success", valueJson: answer.valueJson };
    const { message, dataJson } = answer;
    return { status: "error", message, ...(dataJson === undefined ? {} : { dataJson }) };
  } catch (error) {
    return { status: "error", message: messageOf(error) };
  }
}

function jobOf({ calls, context }: ActionFrame): string | null {
  return calls.jobOfAction(context.requestId);
}

/** The called function acts for the same user and may be internal. */
function calleeOf({ services, code, component, context }: ActionFrame, args: SyscallArgs): FunctionCall {
  const address = services.addresses.resolve(code, component, args);
  return {
    ...address,
    argsJson: JSON.stringify(args.json("args")),
    caller: { kind: "system", attributes: identityOf(context.caller), token: tokenOf(context.caller) },
  };
}
