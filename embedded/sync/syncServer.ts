/**
 * All sync sessions of the deployment, in the engine thread. Tells each what changed, in one Transition at one
 * timestamp: after a commit, what it touched runs once, and every session is told as soon as all it watches holds.
 *
 * Nobody has the thread for longer than a slice: messages are taken from the sockets in turns, queries are run in slices,
 * and between two of them the event loop goes round, to mutations, heartbeats of actions, and everybody else.
 */
import type { Caller, FunctionResult } from "../protocol/calls.ts";
import { asDeploymentError } from "../protocol/deploymentError.ts";
import type { Engine } from "../protocol/engine.ts";
import type { Credential } from "../protocol/mainMessages.ts";
import { encodeTs, type SyncClientMessage } from "../protocol/syncMessages.ts";
import { isSystemFunction } from "../system/systemQueries.ts";
import { SharedQueries, type RunQueries, type Slice } from "./sharedQueries.ts";
import { SyncSession, type SessionHost } from "./syncSession.ts";
import { Turns } from "./turns.ts";

export interface SyncServerParts {
  engine: Engine;
  /** Runs queries of the app and of the system at one snapshot. */
  runQueries: RunQueries;
  identify: (credential: Credential) => Promise<Caller>;
  send: (socketId: number, frame: string) => void;
  close: (socketId: number, code: number, reason: string) => void;
  log: (line: string) => void;
  /** Returns what stops it. */
  every: (intervalMs: number, tick: () => void) => () => void;
  /** Begins a piece of work after which others get the thread. Returns what tells whether it is over. */
  startSlice: () => () => boolean;
}

/** Clients give up after 60 s of silence. */
const pingEveryMs = 15_000;
/** While commits keep touching what a session watches, its queries never hold at once: after so many slices they run in one piece. */
const maxSlicesWaited = 100;

export class SyncServer {
  readonly #parts: SyncServerParts;
  readonly #queries: SharedQueries<SyncSession>;
  readonly #sessions = new Map<number, SyncSession>();
  /** Who is to be told something, and for how many slices they have waited. */
  readonly #concerned = new Map<SyncSession, number>();
  readonly #turns: Turns<number>;
  readonly #stops: (() => void)[];
  #isTelling = false;
  #isClosed = false;

  constructor(parts: SyncServerParts) {
    this.#parts = parts;
    this.#queries = new SharedQueries(parts.runQueries);
    this.#turns = new Turns(parts.startSlice);
    const rerunAll = (): void => {
      this.#queries.markAllStale();
      this.#tellSoon();
    };
    this.#stops = [
      parts.engine.onCommit((commit) => {
        this.#queries.onCommit(commit);
        if (this.#queries.hasStale) this.#tellSoon();
      }),
      parts.engine.onCode(rerunAll),
      parts.engine.onEnvironment(rerunAll),
      parts.every(pingEveryMs, () => {
        for (const session of this.#sessions.values()) session.ping();
      }),
    ];
  }

  socketOpened(socketId: number): void {
    const { engine, identify, send, close } = this.#parts;
    const host: SessionHost = {
      queries: this.#queries,
      latestTs: () => engine.latestTs(),
      send: (frame) => send(socketId, frame),
      close: (code, reason) => close(socketId, code, reason),
      identify: ({ credential }) => identify(credential),
      runMutation: (session, message) => void this.#runMutation(session, message),
      runAction: (session, message) => void this.#runAction(session, message),
      needsTransition: (session) => {
        this.#concern(session);
        this.#tellSoon();
      },
      recordSent: (componentPath, name, bytes) => {
        if (!isSystemFunction(name)) engine.recordBytesSent(componentPath, name, bytes);
      },
    };
    this.#sessions.set(socketId, new SyncSession(host));
  }

  socketMessage(socketId: number, message: SyncClientMessage): void {
    this.#turns.add(socketId, () => this.#sessions.get(socketId)?.receive(message));
  }

  /** What it sent before it closed still counts. */
  socketClosed(socketId: number): void {
    this.#turns.add(socketId, () => {
      this.#sessions.get(socketId)?.socketClosed();
      this.#sessions.delete(socketId);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
    this.#turns.close();
    for (const session of this.#sessions.values()) session.socketClosed();
    this.#sessions.clear();
  }

  /**
   * In a later turn of the event loop: commits that come together are told together, and the response of a mutation
   * leaves before the Transition that holds its effect.
   */
  #tellSoon(): void {
    if (this.#isTelling || this.#isClosed) return;
    this.#isTelling = true;
    setImmediate(() => void this.#tell());
  }

  async #tell(): Promise<void> {
    try {
      const ts = await this.#queries.refresh(
        this.#parts.engine.latestTs(),
        (session) => this.#concern(session),
        this.#nextSlice(),
      );
      // In the same turn as the end of the refresh: now what is not stale holds at `ts`.
      for (const [session, waited] of this.#concerned) {
        if (!session.holdsAt(ts)) {
          this.#concerned.set(session, waited + 1);
          continue;
        }
        session.transition(ts);
        this.#concerned.delete(session);
      }
    } catch (error) {
      this.#breakOff(error);
    }
    this.#isTelling = false;
    if (this.#queries.hasStale || this.#concerned.size > 0) this.#tellSoon();
  }

  #concern(session: SyncSession): void {
    if (!this.#concerned.has(session)) this.#concerned.set(session, 0);
  }

  #nextSlice(): Slice<SyncSession> {
    for (const [session, waited] of this.#concerned) {
      if (waited >= maxSlicesWaited) return { isOver: () => false, only: session };
    }
    return { isOver: this.#parts.startSlice() };
  }

  #breakOff(error: unknown): void {
    if (this.#isClosed) return;
    this.#parts.log(`Live queries could not be run: ${asDeploymentError(error).stack ?? String(error)}`);
    for (const session of this.#sessions.values()) session.breakOff();
    this.#concerned.clear();
  }

  async #runMutation(
    session: SyncSession,
    message: Extract<SyncClientMessage, { type: "Mutation" }>,
  ): Promise<void> {
    const { requestId, componentPath, name, argsJson } = message;
    try {
      const { result, ts } = await this.#parts.engine.runMutation(
        { componentPath, name, argsJson, caller: session.caller },
        { sessionId: session.sessionId, requestId },
      );
      session.send({ type: "MutationResponse", requestId, ...responseOf(result, ts) });
      if (result.status === "success") session.oweTransition();
    } catch (error) {
      this.#fault(session, error);
    }
  }

  async #runAction(
    session: SyncSession,
    message: Extract<SyncClientMessage, { type: "Action" }>,
  ): Promise<void> {
    const { requestId, componentPath, name, argsJson } = message;
    try {
      const result = await this.#parts.engine.runAction({
        componentPath,
        name,
        argsJson,
        caller: session.caller,
      });
      session.send({ type: "ActionResponse", requestId, ...responseOf(result, null) });
    } catch (error) {
      this.#fault(session, error);
    }
  }

  #fault(session: SyncSession, error: unknown): void {
    if (this.#isClosed) return;
    this.#parts.log(`A call over the WebSocket failed: ${asDeploymentError(error).stack ?? String(error)}`);
    session.breakOff();
  }
}

function responseOf(result: FunctionResult, ts: bigint | null): Record<string, unknown> {
  const { logLines } = result;
  if (result.status === "success") {
    const value: unknown = JSON.parse(result.valueJson);
    return { success: true, result: value, logLines, ...(ts === null ? {} : { ts: encodeTs(ts) }) };
  }
  const errorData =
    result.dataJson === undefined ? {} : { errorData: JSON.parse(result.dataJson) as unknown };
  return { success: false, result: result.message, logLines, ...errorData };
}
