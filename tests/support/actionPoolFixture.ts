/** A real action thread behind a real socket, with an engine that answers what the test says. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createActionPool,
  type ActionPool,
  type ActionPoolOptions,
} from "../../embedded/actions/actionPool.ts";
import type { ActionContext, ActionSyscallResult } from "../../embedded/protocol/actions.ts";
import type { FunctionCompletion, FunctionResult } from "../../embedded/protocol/calls.ts";
import type { HttpRoute } from "../../embedded/protocol/deployedCode.ts";
import { deployedApp, type AppFiles } from "./pushedApp.ts";

export interface ActionFixture {
  pool: ActionPool;
  dataDir: string;
  /** In order of their end. */
  completions: FunctionCompletion[];
  /** Resolves with the next completion that has not been taken. */
  nextCompletion(): Promise<FunctionCompletion>;
  logs: string[];
  run(name: string, args?: unknown): Promise<FunctionResult>;
  push(files: AppFiles): Promise<void>;
}

export interface ActionFixtureOptions extends Partial<
  Pick<ActionPoolOptions, "limits" | "heartbeat" | "identify" | "maxMemoryMb">
> {
  syscall?(context: ActionContext, op: string, args: unknown): unknown;
  env?: Record<string, string>;
  routes?: HttpRoute[];
  /** The test says itself when there is code: `push`. */
  withoutCode?: boolean;
}

export async function startActions(
  files: AppFiles,
  options: ActionFixtureOptions = {},
): Promise<ActionFixture> {
  const completions: FunctionCompletion[] = [];
  const untaken: FunctionCompletion[] = [];
  const takers: ((completion: FunctionCompletion) => void)[] = [];
  const logs: string[] = [];
  const dataDir = mkdtempSync(join(tmpdir(), "actions-"));
  const pool = await createActionPool({
    siteHost: "127.0.0.1",
    sitePort: 0,
    dataDir,
    identify: options.identify ?? (() => Promise.reject(new Error("nobody we know"))),
    log: (line) => logs.push(line),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.heartbeat ? { heartbeat: options.heartbeat } : {}),
    ...(options.maxMemoryMb ? { maxMemoryMb: options.maxMemoryMb } : {}),
    engine: {
      environmentOf: () => options.env ?? {},
      recordCompletion(completion) {
        completions.push(completion);
        const taker = takers.shift();
        if (taker) taker(completion);
        else untaken.push(completion);
      },
      async actionSyscall(context, op, argsJson): Promise<ActionSyscallResult> {
        try {
          const value = await options.syscall?.(context, op, JSON.parse(argsJson));
          return { status: "success", valueJson: JSON.stringify(value ?? null) };
        } catch (error) {
          const { message, data } = error as { message: string; data?: unknown };
          return {
            status: "error",
            message,
            ...(data === undefined ? {} : { dataJson: JSON.stringify(data) }),
          };
        }
      },
    },
  });
  const closePool = pool.close.bind(pool);
  pool.close = async () => {
    await closePool();
    rmSync(dataDir, { recursive: true, force: true });
  };
  const push = async (pushed: AppFiles): Promise<void> =>
    pool.setCode(await deployedApp(pushed, "http.ts" in pushed ? (options.routes ?? []) : null));
  if (!options.withoutCode) await push(files);
  return {
    pool,
    dataDir,
    completions,
    logs,
    push,
    nextCompletion: () =>
      new Promise((resolve) => {
        const completion = untaken.shift();
        if (completion) resolve(completion);
        else takers.push(resolve);
      }),
    run: (name, args = {}) =>
      pool.runAction(
        { componentPath: "", name, argsJson: JSON.stringify(args), caller: { kind: "anonymous" } },
        "request",
      ),
  };
}
