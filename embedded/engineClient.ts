/**
 * The main thread's end of the engine thread: starts it, asks it, relays frames, notices when it dies.
 * The other end is engineService.ts.
 */
import { Worker } from "node:worker_threads";
import { DeploymentError } from "./protocol/deploymentError.ts";
import type {
  EngineMethod,
  EngineService,
  EngineThreadData,
  FromEngine,
  SocketEvent,
  ToEngine,
} from "./protocol/mainMessages.ts";

type Argument<Method extends EngineMethod> = Parameters<EngineService[Method]>[0];
type Answer<Method extends EngineMethod> = Awaited<ReturnType<EngineService[Method]>>;

interface Pending {
  resolve(value: unknown): void;
  reject(error: DeploymentError): void;
}

export interface SocketRelay {
  send(socketId: number, frame: string): void;
  close(socketId: number, code: number, reason: string): void;
  /** The session has taken so much of what the socket passed on. */
  taken(socketId: number, length: number): void;
}

export class EngineClient {
  /** Resolves with the site URL when the engine takes requests; rejects when it could not start. */
  readonly ready: Promise<string>;
  /** Resolves when the thread has ended, with what was wrong unless `terminate` was asked for. */
  readonly ended: Promise<DeploymentError | null>;

  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #relay: SocketRelay | null = null;
  #socketEvents: SocketEvent[] = [];
  #nextId = 1;
  #isClosing = false;
  #endError: DeploymentError | null = null;
  #hasFailed = false;
  #settleReady: { resolve(siteUrl: string): void; reject(error: DeploymentError): void } | null = null;

  constructor(data: EngineThreadData, heapMb: number) {
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever awaits `ready` sees the failure; nobody awaiting it must not end the process.
    this.ready.catch(() => undefined);
    this.#worker = new Worker(new URL("./engineThread.ts", import.meta.url), {
      workerData: data,
      name: "engine",
      resourceLimits: { maxOldGenerationSizeMb: heapMb },
    });
    this.#worker.on("message", (message: FromEngine) => this.#onMessage(message));
    this.ended = this.#watchEnd();
  }

  relayTo(relay: SocketRelay): void {
    this.#relay = relay;
  }

  /** Rejects when the thread has ended, before or meanwhile. */
  request<Method extends EngineMethod>(
    method: Method,
    ...[argument]: Argument<Method> extends undefined ? [] : [Argument<Method>]
  ): Promise<Answer<Method>> {
    if (this.#endError !== null) return Promise.reject(this.#endError);
    const id = this.#nextId++;
    return new Promise<Answer<Method>>((resolve, reject) => {
      this.#pending.set(id, { resolve: (value) => resolve(value as Answer<Method>), reject });
      this.#post({ kind: "request", id, method, argument });
    });
  }

  /** What happens on sockets in one turn of the event loop is one message: a hop between threads costs more than a frame. */
  tellSocketEvent(event: SocketEvent): void {
    if (this.#socketEvents.length === 0) setImmediate(() => this.#flushSocketEvents());
    this.#socketEvents.push(event);
  }

  /** Closes the engine, at most `graceMs` long, then ends the thread. Safe to call twice. */
  async close(graceMs: number): Promise<void> {
    if (this.#isClosing) {
      await this.ended;
      return;
    }
    this.#isClosing = true;
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, graceMs);
    });
    // A rejection means that the thread is gone already: nothing is left to close.
    if (!this.#hasFailed)
      await Promise.race([this.request("close").catch(() => undefined), grace, this.ended]);
    clearTimeout(timer);
    await this.#worker.terminate();
    await this.ended;
  }

  #flushSocketEvents(): void {
    this.#post({ kind: "socketEvents", events: this.#socketEvents });
    this.#socketEvents = [];
  }

  #post(message: ToEngine): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    this.#worker.postMessage(message);
  }

  #onMessage(message: FromEngine): void {
    switch (message.kind) {
      case "ready":
        this.#settleReady?.resolve(message.siteUrl);
        return;
      case "failed":
        this.#hasFailed = true;
        this.#settleReady?.reject(new DeploymentError(message.code, message.message));
        return;
      case "response":
        this.#take(message.id)?.resolve(message.value);
        return;
      case "errorResponse":
        this.#take(message.id)?.reject(new DeploymentError(message.code, message.message));
        return;
      case "socketFrames":
        for (const [socketId, frame] of message.frames) this.#relay?.send(socketId, frame);
        return;
      case "socketClose":
        this.#relay?.close(message.socketId, message.code, message.reason);
        return;
      case "socketTaken":
        this.#relay?.taken(message.socketId, message.length);
        return;
      default:
        message satisfies never;
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #watchEnd(): Promise<DeploymentError | null> {
    let fault: unknown = null;
    this.#worker.on("error", (error) => {
      fault = error;
    });
    return new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        const error = this.#isClosing ? closedError() : faultError(fault, code);
        this.#endError = error;
        this.#settleReady?.reject(error);
        for (const pending of this.#pending.values()) pending.reject(error);
        this.#pending.clear();
        resolve(this.#isClosing ? null : error);
      });
    });
  }
}

function closedError(): DeploymentError {
  return new DeploymentError("Unavailable", "The deployment has been closed.");
}

function faultError(fault: unknown, exitCode: number): DeploymentError {
  const detail = fault instanceof Error ? (fault.stack ?? fault.message) : `exit code ${exitCode}`;
  return new DeploymentError("Internal", `The engine thread has ended: ${detail}`, { cause: fault });
}
