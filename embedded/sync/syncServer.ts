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
import type { Turns } from "../turns/turns.ts";

export interface SyncServerParts {
  engine: Engine;
  /** Runs queries of the app and of the system at one snapshot. */
  runQueries: RunQueries;
  identify: (credential: Credential) => Promise<Caller>;
  send: (socketId: number, frame: string) => void;
  close: (socketId: number, code: number, reason: string) => void;
  /** The session has taken messages of this length, all in all: the socket may pass on more. */
  taken: (socketId: number, length: number) => void;
  log: (line: string) => void;
  /** Returns what stops it. */
  every: (intervalMs: number, tick: () => void) => () => void;
  nowMs: () => number;
  /** Begins a piece of work after which others get the thread. Returns what tells whether it is over. */
  startSlice: () => () => boolean;
  /** In which sockets take turns, with whoever else calls functions. */
  turns: Turns;
  monotonicMs: () => number;
}

/** Clients give up after 60 s of silence. */
const pingEveryMs = 15_000;
/** While commits keep touching what a session watches, its queries never hold at once: after so many slices they run in one piece. */
const maxSlicesWaited = 100;
/** Far below what a socket passes on unasked (syncSockets.ts). */
const tellTakenLength = 64 * 1024;

export class SyncServer {
  readonly #parts: SyncServerParts;
  readonly #queries: SharedQueries<SyncSession>;
  readonly #sessions = new Map<number, SyncSession>();
  /** Who is to be told something, and for how many slices they have waited. */
  readonly #concerned = new Map<SyncSession, number>();
  /** Those of them that cannot be told now: they read too slowly, or a token is being checked. */
  readonly #held = new Set<SyncSession>();
  /** What sessions have taken and their sockets have not been told. */
  readonly #taken = new Map<number, number>();
  readonly #stops: (() => void)[];
  #isTelling = false;
  #isClosed = false;

  constructor(parts: SyncServerParts) {
    this.#parts = parts;
    this.#queries = new SharedQueries(parts.runQueries, parts.monotonicMs);
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
    const { engine, identify, send, close, nowMs, turns } = this.#parts;
    const host: SessionHost = {
      queries: this.#queries,
      latestTs: () => engine.latestTs(),
      nowMs,
      send: (frame) => send(socketId, frame),
      close: (code, reason) => close(socketId, code, reason),
      identify: ({ credential }) => identify(credential).catch((error: unknown) => this.#unidentified(error)),
      runMutation: (session, message) => void this.#runMutation(session, message),
      runAction: (session, message) => void this.#runAction(session, message),
      takeAgain: (session, messages) =>
        turns.addFirst(
          socketId,
          messages.map((message) => () => session.receive(message)),
        ),
      needsTransition: (session) => {
        this.#tellTaken(socketId); // it may have been waiting for a token to be checked
        this.#concern(session);
        this.#tellSoon();
      },
      recordSent: (componentPath, name, bytes) => {
        if (!isSystemFunction(name)) engine.recordBytesSent(componentPath, name, bytes);
      },
    };
    this.#sessions.set(socketId, new SyncSession(host));
  }

  socketMessage(socketId: number, message: SyncClientMessage, frameLength = 0): void {
    this.#parts.turns.add(socketId, () => {
      this.#sessions.get(socketId)?.receive(message);
      this.#taken.set(socketId, (this.#taken.get(socketId) ?? 0) + frameLength);
      this.#tellTaken(socketId);
    });
  }

  /** Not for each small frame, and not while the session keeps what it is sent. */
  #tellTaken(socketId: number): void {
    const length = this.#taken.get(socketId) ?? 0;
    if (length < tellTakenLength || this.#sessions.get(socketId)?.keepsMessages === true) return;
    this.#taken.delete(socketId);
    this.#parts.taken(socketId, length);
  }

  /** The client reads slower than it is told, or has caught up. */
  socketBehind(socketId: number, isBehind: boolean): void {
    this.#sessions.get(socketId)?.setBehind(isBehind);
  }

  /** What it sent before it closed still counts. */
  socketClosed(socketId: number): void {
    this.#parts.turns.add(socketId, () => {
      const session = this.#sessions.get(socketId);
      this.#sessions.delete(socketId);
      this.#taken.delete(socketId);
      if (session === undefined) return;
      session.socketClosed();
      this.#concerned.delete(session);
      this.#held.delete(session);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stops) stop();
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
      const due = this.#queries.ownersDueAt(ts);
      for (const [session, waited] of this.#concerned) {
        if (due.has(session)) {
          this.#concerned.set(session, waited + 1);
          continue;
        }
        this.#concerned.delete(session);
        if (session.canBeTold) session.transition(ts);
        else this.#held.add(session);
      }
    } catch (error) {
      this.#breakOff(error);
    }
    this.#isTelling = false;
    if (this.#queries.hasStale || this.#concerned.size > 0) this.#tellSoon();
  }

  #concern(session: SyncSession): void {
    this.#held.delete(session);
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
    this.#held.clear();
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
      // In this order both leave in one message to the main thread, if nothing is to be run in between.
      if (result.status === "success") session.oweTransition();
      session.answerMutation(encodeResponse("MutationResponse", requestId, result, ts));
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
      session.answerAction(encodeResponse("ActionResponse", requestId, result, null));
    } catch (error) {
      this.#fault(session, error);
    }
  }

  /** What is wrong with a token its client hears; what is wrong with this deployment the operator does. */
  #unidentified(error: unknown): never {
    const { isUserError, stack } = asDeploymentError(error);
    if (!isUserError) this.#parts.log(`A token could not be checked: ${stack ?? String(error)}`);
    throw error;
  }

  #fault(session: SyncSession, error: unknown): void {
    if (this.#isClosed) return;
    this.#parts.log(`A call over the WebSocket failed: ${asDeploymentError(error).stack ?? String(error)}`);
    session.breakOff();
  }
}

/** Values are Convex JSON already: they are not decoded for their way through. */
function encodeResponse(
  type: "MutationResponse" | "ActionResponse",
  requestId: number,
  result: FunctionResult,
  ts: bigint | null,
): string {
  const head = `"type":"${type}","requestId":${requestId},"logLines":${JSON.stringify(result.logLines)}`;
  if (result.status === "success") {
    const stamp = ts === null ? "" : `,"ts":"${encodeTs(ts)}"`;
    return `{${head},"success":true,"result":${result.valueJson}${stamp}}`;
  }
  const errorData = result.dataJson === undefined ? "" : `,"errorData":${result.dataJson}`;
  return `{${head},"success":false,"result":${JSON.stringify(result.message)}${errorData}}`;
}
