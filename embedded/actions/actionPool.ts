/**
 * The engine's side of the action thread: starts it, gives it code and environment, sends it actions, answers its
 * syscalls, and puts a new one in its place when it dies or stops answering. What ran in the old one has failed then:
 * an action runs at most once.
 */
import { randomUUID } from "node:crypto";
import type { ActionContext, ActionRunner, EngineForActions } from "../protocol/actions.ts";
import type { Caller, FunctionResult } from "../protocol/calls.ts";
import type { DeployedCode } from "../protocol/deployedCode.ts";
import { localUrl } from "../http/localUrl.ts";
import { ActionWorker } from "./actionWorker.ts";
import { ownRequestHeaders } from "./ownRequests.ts";
import {
  defaultActionLimits,
  runnableCode,
  type ActionLimits,
  type Environments,
  type FromActionThread,
  type RunnableCode,
} from "./threadMessages.ts";

export interface ActionPoolOptions {
  siteHost: string;
  /** 0 picks a free one, which is kept for the life of the pool. */
  sitePort: number;
  /** Holds the folders of file storage. */
  dataDir: string;
  engine: EngineForActions;
  /** Who sent an HTTP request with this `Authorization` header. A rejection says why nobody: functions may use the header in ways of their own. */
  identify(authorization: string): Promise<Caller>;
  log(line: string): void;
  limits?: Partial<ActionLimits>;
  /** How often the thread is asked whether it lives, and after how many unanswered questions it is ended. */
  heartbeat?: { everyMs: number; maxMissed: number };
  /** What the thread may take; it is ended and started anew when it takes more. */
  maxMemoryMb?: number;
}

export interface ActionPool {
  runAction: ActionRunner;
  /**
   * Runs in flight finish on the code they began with. Requests at the site port wait for the first call, so that a
   * restarted deployment refuses none: null says that nothing was pushed yet.
   */
  setCode(code: DeployedCode | null): void;
  /** Reads the environment of every component from the engine again. */
  setEnvironment(): void;
  /** How this machine reaches the site port. */
  readonly localUrl: string;
  /** For requests of the deployment to its own site port. */
  readonly ownRequestHeaders: Record<string, string>;
  /** Actions and HTTP actions under way. */
  readonly running: number;
  /**
   * Takes no HTTP request any more. What runs goes on, and actions that functions call are still begun. Resolves when
   * `running` counts every HTTP action that was begun.
   */
  stop(): Promise<void>;
  /** Ends what still runs. Safe to call twice. */
  close(): Promise<void>;
}

/** Ten seconds: far above what loading a large app or collecting garbage on a busy machine takes. */
const defaultHeartbeat = { everyMs: 1_000, maxMissed: 10 };

/** Rejects with a DeploymentError when the site port cannot be opened. */
export async function createActionPool(options: ActionPoolOptions): Promise<ActionPool> {
  const pool = new Pool(options);
  await pool.start();
  return pool;
}

interface OpenRun {
  context: () => Promise<ActionContext>;
  /** The thread died: tell whoever waits. */
  abandon(message: string): void;
}

class Pool implements ActionPool {
  readonly #options: ActionPoolOptions;
  readonly #worker: ActionWorker;
  readonly #openRuns = new Map<number, OpenRun>();
  readonly #waiting = new Map<number, (result: FunctionResult) => void>();
  /** undefined until the engine has said. */
  #code: RunnableCode | null | undefined;
  #environments: Environments = {};
  #lastRunId = 0;
  readonly #ownRequestSecret = randomUUID();

  constructor(options: ActionPoolOptions) {
    this.#options = options;
    this.#worker = new ActionWorker({
      siteHost: options.siteHost,
      sitePort: options.sitePort,
      dataDir: options.dataDir,
      limits: { ...defaultActionLimits, ...options.limits },
      ownRequestSecret: this.#ownRequestSecret,
      heartbeat: options.heartbeat ?? defaultHeartbeat,
      ...(options.maxMemoryMb === undefined ? {} : { maxMemoryMb: options.maxMemoryMb }),
      log: (line) => options.log(line),
      onStart: () => this.#introduce(),
      onMessage: (message) => this.#receive(message),
      onDeath: (reason) => this.#abandonAll(reason),
    });
  }

  async start(): Promise<void> {
    await this.#worker.start();
  }

  get localUrl(): string {
    return localUrl(this.#options.siteHost, this.#worker.port);
  }

  get ownRequestHeaders(): Record<string, string> {
    return ownRequestHeaders(this.#ownRequestSecret);
  }

  get running(): number {
    return this.#openRuns.size;
  }

  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  setCode(code: DeployedCode | null): void {
    this.#code = code && runnableCode(code, Date.now());
    this.setEnvironment();
    this.#worker.post({ kind: "code", code: this.#code });
  }

  setEnvironment(): void {
    const paths = Object.keys(this.#code?.components ?? {});
    this.#environments = Object.fromEntries(
      paths.map((path) => [path, this.#options.engine.environmentOf(path)]),
    );
    this.#worker.post({ kind: "environments", environments: this.#environments });
  }

  runAction: ActionRunner = (call, requestId) => {
    const runId = ++this.#lastRunId;
    const { componentPath, name, argsJson, caller } = call;
    return new Promise((resolve) => {
      const context = Promise.resolve({ componentPath, name, caller, requestId });
      this.#waiting.set(runId, resolve);
      this.#openRuns.set(runId, {
        context: () => context,
        abandon: (message) => this.#finish(runId, { status: "error", message, logLines: [] }),
      });
      const origin = caller.kind === "system" ? "inner" : "client";
      this.#worker.post({
        kind: "run",
        request: { runId, componentPath, name, requestId, argsJson, origin },
      });
    });
  };

  async close(): Promise<void> {
    await this.#worker.close();
  }

  #introduce(): void {
    if (this.#code === undefined) return;
    this.#worker.post({ kind: "environments", environments: this.#environments });
    this.#worker.post({ kind: "code", code: this.#code });
  }

  #receive(message: FromActionThread): void {
    switch (message.kind) {
      case "syscall":
        void this.#answer(message);
        break;
      case "runEnded":
        this.#finish(message.runId, message.result);
        break;
      case "httpBegan":
        this.#openHttpRun(message);
        break;
      case "httpEnded":
        this.#openRuns.delete(message.runId);
        this.#options.engine.recordCompletion(message.completion, message.bytesSent);
        break;
      case "strayError":
        this.#options.log(`action thread: ${message.message}`);
        break;
      case "listening":
      case "notListening":
      case "stopped":
      case "pong":
        break; // the worker's own
      default:
        message satisfies never;
    }
  }

  async #answer({ syscallId, runId, op, argsJson }: FromActionThread & { kind: "syscall" }): Promise<void> {
    const run = this.#openRuns.get(runId);
    if (!run) return; // its run was abandoned; nobody waits
    const generation = this.#worker.generation;
    const result = await this.#options.engine.actionSyscall(await run.context(), op, argsJson);
    // Syscall ids are a thread's own: an answer for the one before must not reach its successor.
    if (generation === this.#worker.generation)
      this.#worker.post({ kind: "syscallResult", syscallId, result });
  }

  #finish(runId: number, result: FunctionResult): void {
    this.#openRuns.delete(runId);
    this.#waiting.get(runId)?.(result);
    this.#waiting.delete(runId);
  }

  #openHttpRun(began: FromActionThread & { kind: "httpBegan" }): void {
    const { runId, name, requestId, authorization, startedAtMs } = began;
    let context: Promise<ActionContext> | null = null;
    const identified = async (): Promise<ActionContext> => ({
      componentPath: "",
      name: "http.js:default",
      ...(await this.#callerOf(authorization)),
      requestId,
    });
    this.#openRuns.set(runId, {
      context: () => (context ??= identified()),
      abandon: (error) => {
        this.#openRuns.delete(runId);
        const executionMs = Date.now() - startedAtMs;
        this.#options.engine.recordCompletion(
          {
            kind: "httpAction",
            componentPath: "",
            name,
            startedAtMs,
            executionMs,
            cachedResult: false,
            error,
            logLines: [],
            requestId,
          },
          0,
        );
      },
    });
  }

  async #callerOf(authorization: string | null): Promise<Pick<ActionContext, "caller" | "identityRefusal">> {
    if (authorization === null) return { caller: { kind: "anonymous" } };
    try {
      return { caller: await this.#options.identify(authorization) };
    } catch (error) {
      // Convex, too, lets an HTTP action judge a header that is none of its tokens.
      const identityRefusal = error instanceof Error ? error.message : String(error);
      return { caller: { kind: "anonymous" }, identityRefusal };
    }
  }

  #abandonAll(reason: string): void {
    for (const run of this.#openRuns.values()) run.abandon(`The action was lost: ${reason}`);
  }
}
