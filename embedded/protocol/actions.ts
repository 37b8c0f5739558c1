/** Between the engine and the action pool, which both live in the engine thread. Structured-clone-safe data only. */
import type { Caller, FunctionCall, FunctionCompletion, FunctionResult } from "./calls.ts";
import type { ComponentPath } from "./deployedCode.ts";

/** The running action or HTTP action on whose behalf a syscall is made. */
export interface ActionContext {
  componentPath: ComponentPath;
  /** Canonical name; "http.js:default" for an HTTP action. */
  name: string;
  caller: Caller;
  /** Why the request's `Authorization` is nobody's. Only who asks for the identity hears of it, as on Convex. */
  identityRefusal?: string;
  requestId: string;
}

export type ActionSyscallResult =
  | { status: "success"; /** JSON, as `Convex.asyncSyscall` resolves to it. */ valueJson: string }
  | {
      status: "error";
      message: string;
      /** Convex JSON, encoded, of a ConvexError's data. */ dataJson?: string;
    };

/**
 * Questions of the action thread itself, in the words of no user code (`actionRun.ts` sees to that): make bytes it received
 * a stored file; where a stored file's bytes are.
 */
export const STORE_FILE = "host/storeFile";
export const FIND_FILE = "host/findFile";

/** What the engine offers to the action pool, beyond `Engine`. */
export interface EngineForActions {
  /**
   * Answers the asynchronous syscalls of actions that need the deployment: "1.0/actions/query|mutation|action|schedule|
   * cancel_job", "1.0/getUserIdentity", "1.0/createFunctionHandle", "1.0/getFunctionMetadata", "1.0/getRequestMetadata",
   * "1.0/getDeploymentMetadata", "1.0/storage…", STORE_FILE, FIND_FILE. Function addresses are resolved relative to the context's component.
   * Any other op is answered with an error that says what is missing. Never rejects.
   */
  actionSyscall(context: ActionContext, op: string, argsJson: string): Promise<ActionSyscallResult>;
  /** For HTTP actions, whose calls do not pass through the engine. Actions are recorded by the engine itself. */
  recordCompletion(completion: FunctionCompletion, bytesSent: number): void;
  /** Environment a function of this component sees as `process.env`. */
  environmentOf(componentPath: ComponentPath): Readonly<Record<string, string>>;
}

/**
 * Runs one action. Arguments were validated and access checked by the engine, which validates the result too.
 * Resolves with an error result when the action thread dies; never rejects.
 */
export type ActionRunner = (call: FunctionCall, requestId: string) => Promise<FunctionResult>;
