/** What passes between the action pool (engine thread) and the action thread. Both ends are of one version. */
import type { ActionSyscallResult } from "../protocol/actions.ts";
import type { FunctionCompletion, FunctionResult } from "../protocol/calls.ts";
import type { ComponentPath, DeployedCode, HttpRoute } from "../protocol/deployedCode.ts";
import type { ActionOrigin } from "./actionSlots.ts";
import type { RunnableModule, RunnableModules } from "../runner/runnableModule.ts";

/** What Convex allows, on one deployment of the small class. Tests choose smaller ones. */
export interface ActionLimits {
  /** Actions and HTTP actions side by side. */
  concurrent: number;
  /** So many more of those that functions scheduled or called. */
  concurrentInner: number;
  /** Who has waited this long for a slot is refused. */
  maxWaitMs: number;
  maxRunMs: number;
  maxResponseBytes: number;
  maxRequestBytes: number;
  /** An action waits no longer for the next piece of its request's body, and not longer for all pieces together. */
  maxBodyIdleMs: number;
  maxBodyWaitMs: number;
  /** What the clients of all responses have not read yet. */
  maxUnreadBytes: number;
}

export const defaultActionLimits: ActionLimits = {
  concurrent: 64,
  concurrentInner: 8,
  maxWaitMs: 10_000,
  maxRunMs: 30 * 60_000,
  maxResponseBytes: 20 * 1024 * 1024,
  maxRequestBytes: 20 * 1024 * 1024,
  maxBodyIdleMs: 30_000,
  maxBodyWaitMs: 5 * 60_000,
  maxUnreadBytes: 256 * 1024 * 1024,
};

/** Given to the thread as `workerData`. */
export interface ActionThreadData {
  siteHost: string;
  sitePort: number;
  limits: ActionLimits;
  dataDir: string;
  /** See ownRequests.ts. */
  ownRequestSecret: string;
}

export interface RunnableComponent {
  modules: RunnableModules;
  /** When this process got the code. */
  deployedAtMs: number;
  httpRoutes: HttpRoute[] | null;
}

/** The part of the deployed code that actions need. */
export interface RunnableCode {
  components: Record<ComponentPath, RunnableComponent>;
}

export type Environments = Record<ComponentPath, Readonly<Record<string, string>>>;

/** One action that the engine wants run, or one HTTP action that came in at the site port. */
export interface RunRequest {
  runId: number;
  componentPath: ComponentPath;
  /** Canonical name. */
  name: string;
  requestId: string;
  argsJson: string;
  origin: ActionOrigin;
}

export type ToActionThread =
  | { kind: "code"; code: RunnableCode | null }
  | { kind: "environments"; environments: Environments }
  | { kind: "run"; request: RunRequest }
  | { kind: "syscallResult"; syscallId: number; result: ActionSyscallResult }
  /** Take no HTTP request any more. */
  | { kind: "stop" }
  | { kind: "ping" };

export type FromActionThread =
  | { kind: "listening"; port: number }
  /** Answers `stop`: every HTTP action that was begun has been told before. */
  | { kind: "stopped" }
  | { kind: "notListening"; code: string }
  | { kind: "syscall"; syscallId: number; runId: number; op: string; argsJson: string }
  | { kind: "runEnded"; runId: number; result: FunctionResult }
  /** Run ids of HTTP actions are the thread's own and negative. */
  | {
      kind: "httpBegan";
      runId: number;
      name: string;
      requestId: string;
      authorization: string | null;
      startedAtMs: number;
    }
  | { kind: "httpEnded"; runId: number; completion: FunctionCompletion; bytesSent: number }
  | { kind: "strayError"; message: string }
  | { kind: "pong" };

export function runnableCode(code: DeployedCode, deployedAtMs: number): RunnableCode {
  const components: RunnableCode["components"] = {};
  for (const [path, component] of Object.entries(code.components)) {
    const modules: Record<string, RunnableModule> = {};
    for (const [name, { path, sha256, script, scriptSourceMap }] of Object.entries(component.modules)) {
      modules[name] = { path, sha256, script, scriptSourceMap };
    }
    components[path] = { modules, deployedAtMs, httpRoutes: component.httpRoutes };
  }
  return { components };
}
