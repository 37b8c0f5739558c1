/**
 * The main thread's end of the engine thread: starts it, asks it, relays frames, notices when it dies.
 * The other end is engineService.ts.
 */
import { Worker } from "node:worker_threads";
import { tooMuchForOne, watchMemory } from "./memoryWatch.ts";
import { DeploymentError } from "./protocol/deploymentError.ts";
import type {
  EngineMethod,
  EngineService,
  EngineThreadData,
  FromEngine,
  SocketEvent,
  ToEngine,
} from "./protocol/mainMessages.ts";
import { currentRunIn, runningCallBytes, runningCallIn } from "./runner/runningCall.ts";

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
  /** The sessions are gone: clients come back for new ones. */
  closeAll(reason: string): void;
}

export interface EngineClientOptions {
  /** V8's own limit for the engine thread. Who comes near it may end the process. */
  engineHeapMb: number;
  /** What one query or mutation may take before the engine thread is ended and started anew. */
  maxMemoryMb: number;
  logError: (line: string) => void;
}

/** How long a call is refused of which a thread has died. */
const refuseFatalCallMs = 60_000;

type ReasonOfEnd = "memory" | "silence";

export class EngineClient {
  /** Resolves with how this machine reaches the site port when the engine takes requests; rejects when it could not start. */
  readonly ready: Promise<string>;
  /** Resolves when the thread has ended, with what was wrong unless `terminate` was asked for. */
  readonly ended: Promise<DeploymentError | null>;

  readonly #options: EngineClientOptions;
  readonly #ending = Promise.withResolvers<DeploymentError | null>();
  #data: EngineThreadData;
  #worker: Worker;
  #isReady = false;
  readonly #pending = new Map<number, Pending>();
  #relay: SocketRelay | null = null;
  #socketEvents: SocketEvent[] = [];
  #nextId = 1;
  #isClosing = false;
  /** Why the thread is being ended from here, for another one to follow. */
  #endedFor: ReasonOfEnd | null = null;
  #endError: DeploymentError | null = null;
  #hasFailed = false;
  #settleReady: { resolve(localSiteUrl: string): void; reject(error: DeploymentError): void } | null = null;

  constructor(
    data: Omit<EngineThreadData, "runningCall" | "fatalCall" | "maxMemoryMb">,
    options: EngineClientOptions,
  ) {
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Whoever awaits `ready` sees the failure; nobody awaiting it must not end the process.
    this.ready.catch(() => undefined);
    this.ended = this.#ending.promise;
    const runningCall = new SharedArrayBuffer(runningCallBytes);
    this.#data = { ...data, runningCall, fatalCall: null, maxMemoryMb: options.maxMemoryMb };
    this.#worker = this.#startThread();
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

  /** For a thread that does not answer: ends it, and another one follows. */
  replaceSilent(): void {
    this.#endedFor ??= "silence";
    void this.#worker.terminate();
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
        this.#isReady = true;
        // The same port again, should another thread follow. URLs leave 80 out.
        this.#data = { ...this.#data, sitePort: Number(new URL(message.localSiteUrl).port) || 80 };
        this.#settleReady?.resolve(message.localSiteUrl);
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

  #startThread(): Worker {
    const worker = new Worker(new URL("./engineThread.ts", import.meta.url), {
      workerData: this.#data,
      name: "engine",
      resourceLimits: { maxOldGenerationSizeMb: this.#options.engineHeapMb },
    });
    let fault: unknown = null;
    this.#endedFor = null;
    worker.on("message", (message: FromEngine) => this.#onMessage(message));
    worker.on("error", (error) => {
      fault = error;
    });
    const { maxMemoryMb, runningCall } = this.#data;
    const stopWatch = watchMemory({
      worker,
      isTooMuch: tooMuchForOne(maxMemoryMb, () => currentRunIn(runningCall)),
      onEnd: () => {
        this.#endedFor = "memory";
      },
    });
    worker.on("exit", (code) => {
      stopWatch();
      this.#onExit(fault, code);
    });
    return worker;
  }

  #onExit(fault: unknown, code: number): void {
    if (this.#isReady && !this.#isClosing && this.#endedFor !== null) {
      this.#replaceThread(this.#endedFor);
      return;
    }
    const error = this.#isClosing ? closedError() : faultError(fault, code);
    this.#endError = error;
    this.#settleReady?.reject(error);
    this.#rejectPending(error);
    this.#ending.resolve(this.#isClosing ? null : error);
  }

  /** What ran is undone by the database; what a client sends to the new thread waits in its port until it has started. */
  #replaceThread(endedFor: ReasonOfEnd): void {
    const key = runningCallIn(this.#data.runningCall);
    const isFatal = endedFor === "memory" && key !== null;
    this.#data = {
      ...this.#data,
      runningCall: new SharedArrayBuffer(runningCallBytes),
      fatalCall: isFatal ? { key, untilMs: Date.now() + refuseFatalCallMs } : null,
    };
    const { log, answer } = sentencesOf(endedFor, this.#data.maxMemoryMb);
    this.#options.logError(`${log} It was running ${key?.slice(0, 200) ?? "none when it ended."}`);
    this.#isReady = false;
    this.#worker = this.#startThread();
    this.#rejectPending(new DeploymentError("Unavailable", answer));
    this.#relay?.closeAll("EngineRestarted");
  }

  #rejectPending(error: DeploymentError): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}

function sentencesOf(endedFor: ReasonOfEnd, maxMemoryMb: number): { log: string; answer: string } {
  switch (endedFor) {
    case "memory":
      return {
        log: `A function took more than ${maxMemoryMb} MB, so that the engine thread is started anew.`,
        answer: "The engine ran out of memory and is started anew. Call again.",
      };
    case "silence":
      return {
        log: "The engine thread has not answered for minutes, so that it is started anew.",
        answer: "The engine did not answer and is started anew. Call again.",
      };
    default:
      return endedFor satisfies never;
  }
}

function closedError(): DeploymentError {
  return new DeploymentError("Unavailable", "The deployment has been closed.");
}

function faultError(fault: unknown, exitCode: number): DeploymentError {
  const detail = fault instanceof Error ? (fault.stack ?? fault.message) : `exit code ${exitCode}`;
  return new DeploymentError("Internal", `The engine thread has ended: ${detail}`, { cause: fault });
}
