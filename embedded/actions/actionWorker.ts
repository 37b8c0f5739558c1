/**
 * The worker behind the action pool and its life: started, asked for a sign of life, replaced when it ends or is
 * silent, always on the same site port.
 */
import { Worker } from "node:worker_threads";
import { heapLimits, tooMuchForLong, watchMemory } from "../memoryWatch.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { ActionLimits, ActionThreadData, FromActionThread, ToActionThread } from "./threadMessages.ts";

export interface ActionWorkerParts {
  siteHost: string;
  sitePort: number;
  limits: ActionLimits;
  ownRequestSecret: string;
  dataDir: string;
  heartbeat: { everyMs: number; maxMissed: number };
  maxMemoryMb?: number;
  log(line: string): void;
  /** A thread runs: tell it all it has to know, before anything else is posted. */
  onStart(): void;
  onMessage(message: FromActionThread): void;
  /** What the thread was doing is lost. A new one is being started. */
  onDeath(reason: string): void;
}

const defaultMaxMemoryMb = 2_048;
/** Between two attempts to start a thread that fails at once. */
const restartPauseMs = 500;

export class ActionWorker {
  readonly #parts: ActionWorkerParts;
  /** Runs to start as soon as there is a thread again. */
  #postponed: ToActionThread[] = [];
  #worker: Worker | null = null;
  #port: number;
  #generation = 0;
  #isListening = false;
  #missedBeats = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  /** The thread has answered `stop`, or is gone. */
  readonly #stopped = Promise.withResolvers<void>();
  #closing = false;

  constructor(parts: ActionWorkerParts) {
    this.#parts = parts;
    this.#port = parts.sitePort;
  }

  get port(): number {
    return this.#port;
  }

  /** Grows with each thread. */
  get generation(): number {
    return this.#generation;
  }

  /** Rejects with PortTaken. */
  async start(): Promise<void> {
    await this.#startThread();
    this.#heartbeat = setInterval(() => this.#beat(), this.#parts.heartbeat.everyMs);
    this.#heartbeat.unref();
  }

  post(message: ToActionThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    if (this.#worker) this.#worker.postMessage(message);
    else if (message.kind === "run") this.#postponed.push(message);
    // Anything else is told to a new thread by `onStart`, or was for what died with the old one.
  }

  /**
   * The site port takes nothing new, and a thread that dies from now on is not replaced. Resolves when all that was begun
   * before has been told: what one thread hears first from two others need not have happened first.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.#worker) return;
    this.post({ kind: "stop" });
    await this.#stopped.promise;
  }

  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#restart);
    await this.#worker?.terminate();
  }

  /** Resolves when the site port is open. A thread that ends after that is replaced. */
  #startThread(): Promise<void> {
    const data: ActionThreadData = {
      siteHost: this.#parts.siteHost,
      sitePort: this.#port,
      limits: this.#parts.limits,
      dataDir: this.#parts.dataDir,
      ownRequestSecret: this.#parts.ownRequestSecret,
    };
    const maxMemoryMb = this.#parts.maxMemoryMb ?? defaultMaxMemoryMb;
    const worker = new Worker(new URL("./actionThread.ts", import.meta.url), {
      workerData: data,
      resourceLimits: heapLimits(maxMemoryMb),
    });
    let fault = new DeploymentError("Internal", "it ended by itself.");
    const stopWatch = watchMemory({
      worker,
      isTooMuch: tooMuchForLong(maxMemoryMb),
      onEnd: () => {
        fault = new DeploymentError("Internal", `its functions took more than ${maxMemoryMb} MB of memory.`);
      },
    });
    this.#worker = worker;
    this.#generation++;
    this.#isListening = false;
    this.#missedBeats = 0;
    this.#parts.onStart();
    for (const message of this.#postponed.splice(0)) this.post(message);
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromActionThread) => {
        if (message.kind === "listening") {
          this.#isListening = true;
          this.#port = message.port;
          resolve();
        } else if (message.kind === "notListening") {
          fault = new DeploymentError(
            "PortTaken",
            listenProblem(this.#parts.siteHost, this.#port, message.code),
          );
        } else if (message.kind === "stopped") {
          this.#stopped.resolve();
        } else if (message.kind === "pong") {
          this.#missedBeats = 0;
        } else {
          this.#parts.onMessage(message);
        }
      });
      worker.on("error", (error) => {
        fault = new DeploymentError("Internal", `${(error as Error).message}.`, { cause: error });
      });
      worker.on("exit", () => {
        stopWatch();
        this.#worker = null;
        if (this.#stopping) this.#stopped.resolve();
        const reason = this.#isSilent() ? "a function kept its thread busy, which was ended." : fault.message;
        this.#parts.onDeath(this.#closing ? "the deployment is closing." : reason);
        reject(fault);
        if (this.#isListening) this.#startAgain(reason, 0);
      });
    });
  }

  #beat(): void {
    if (!this.#isListening) return; // it is still loading, and runs nobody's code
    // Beats are counted, not timed: when this thread itself was busy, it has not asked and cannot complain.
    if (this.#isSilent()) void this.#worker?.terminate();
    this.#missedBeats++;
    this.post({ kind: "ping" });
  }

  #isSilent(): boolean {
    return this.#missedBeats >= this.#parts.heartbeat.maxMissed;
  }

  #startAgain(reason: string, pauseMs: number): void {
    if (this.#closing || this.#stopping) return;
    this.#parts.log(`The action thread is started anew: ${reason}`);
    this.#restart = setTimeout(() => {
      // The port may still be held for a moment; functions cannot do without the thread, so there is no last attempt.
      this.#startThread().catch((error: Error) => this.#startAgain(error.message, restartPauseMs));
    }, pauseMs);
  }
}

function listenProblem(host: string, port: number, code: string): string {
  return code === "EADDRINUSE"
    ? `Port ${port} on ${host}, for HTTP actions, is taken. End the program that uses it, or choose another with --site-port.`
    : `Port ${port} on ${host}, for HTTP actions, cannot be opened (${code}).`;
}
