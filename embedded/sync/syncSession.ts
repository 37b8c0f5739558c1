/**
 * One sync WebSocket, in the engine thread: what the client has asked for and what it was told. Stands for the server
 * side of `convex/src/browser/sync/protocol.ts`; its states are drawn in sessionStates.ts.
 *
 * Long, because every message changes the same few versions, whose order is the protocol.
 *
 * While a token is checked, messages wait: they were sent by whoever the token names. So does what there is to tell.
 */
import type { Caller } from "../protocol/calls.ts";
import { asDeploymentError } from "../protocol/deploymentError.ts";
import type { SyncClientMessage, SyncVersion } from "../protocol/syncMessages.ts";
import { encodeTs } from "../protocol/syncMessages.ts";
import { reactions } from "./sessionStates.ts";
import type { MessageType, SessionState } from "./sessionStates.ts";
import type { SharedQueries } from "./sharedQueries.ts";
import { WatchedQueries } from "./watchedQueries.ts";

type MessageOf<Type extends MessageType> = Extract<SyncClientMessage, { type: Type }>;

/** What a session needs from the server of its thread. */
export interface SessionHost {
  queries: SharedQueries<SyncSession>;
  latestTs(): bigint;
  nowMs(): number;
  send(frame: string): void;
  /** Closes the socket; frames sent before arrive before. */
  close(code: number, reason: string): void;
  identify(message: MessageOf<"Authenticate">): Promise<Caller>;
  runMutation(session: SyncSession, message: MessageOf<"Mutation">): void;
  runAction(session: SyncSession, message: MessageOf<"Action">): void;
  /** What was put off comes again, each message in a turn of its socket, before what the socket has sent since. */
  takeAgain(session: SyncSession, messages: readonly SyncClientMessage[]): void;
  /** The session has something to be told in a Transition. */
  needsTransition(session: SyncSession): void;
  recordSent: (componentPath: string, name: string, bytes: number) => void;
}

/** Convex has no such limit. This one bounds what one client can make the deployment keep, and no page comes near it. */
const maxQueries = 16_384;
/** Actions of one socket that run at once (Convex: OPERATION_QUEUE_BUFFER_SIZE). */
const maxPendingActions = 1000;

/** What a client may send while its token is checked: an issuer may be slow, and nobody has to answer for it yet. */
const maxWaiting = 1000;

/** RFC 6455, 7.4.1, and the registry of close codes. */
const normalClosure = 1000;
const policyViolation = 1008;
const internalError = 1011;
const tryAgainLater = 1013;

export class SyncSession {
  readonly #host: SessionHost;
  readonly #watched: WatchedQueries<SyncSession>;
  readonly #waiting: SyncClientMessage[] = [];
  #state: SessionState = "awaitingConnect";
  #sessionId = "";
  #caller: Caller = { kind: "anonymous" };
  /** What the client has asked for, and what it was last told. */
  #wanted = { querySet: 0, identity: 0 };
  #told = { querySet: 0, identity: 0, ts: 0n };
  #owesTransition = false;
  #isBehind = false;
  /** How far the client's clock is ahead of this one, as it looks from here. */
  #clientClockSkewMs: number | null = null;
  #pendingActions = 0;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#watched = new WatchedQueries(this, host.queries, host.recordSent);
  }

  /** Of the client's session, which outlives this socket. */
  get sessionId(): string {
    return this.#sessionId;
  }

  get caller(): Caller {
    return this.#caller;
  }

  /** Whether messages wait here for a token to be checked. */
  get keepsMessages(): boolean {
    return this.#state === "authenticating";
  }

  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  /** False on a client that reads slower than it is told, and while nobody knows who it is. */
  get canBeTold(): boolean {
    return !this.#isBehind && this.#state !== "authenticating";
  }

  setBehind(isBehind: boolean): void {
    this.#isBehind = isBehind;
    if (!isBehind && this.isOpen) this.#host.needsTransition(this);
  }

  receive(message: SyncClientMessage): void {
    const reaction = reactions[this.#state][message.type];
    switch (reaction) {
      case "take":
        this.#take(message);
        return;
      case "wait":
        this.#waiting.push(message);
        if (this.#waiting.length > maxWaiting)
          this.#close(tryAgainLater, "TooManyMessagesBeforeAuthentication");
        return;
      case "violation":
        this.fail(`${message.type} is not expected while the session is in state ${this.#state}.`);
        return;
      case "ignore":
        return;
      default:
        reaction satisfies never;
    }
  }

  socketClosed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#watched.clear();
    this.#waiting.length = 0;
  }

  /** Ends the client for good: it does not reconnect. */
  fail(reason: string): void {
    this.#send(JSON.stringify({ type: "FatalError", error: reason }));
    this.#close(policyViolation, "ProtocolError");
  }

  /** The client reconnects and asks for everything again. */
  breakOff(): void {
    this.#close(internalError, "InternalServerError");
  }

  /** @param frame - The encoded response. */
  answerMutation(frame: string): void {
    this.#send(frame);
  }

  answerAction(frame: string): void {
    this.#pendingActions -= 1;
    this.#send(frame);
  }

  ping(): void {
    this.#send('{"type":"Ping"}');
  }

  /** After a mutation's response the client waits for a Transition at its timestamp or later, changed results or not. */
  oweTransition(): void {
    this.#owesTransition = true;
    this.#host.needsTransition(this);
  }

  /** Tells the client everything that holds at `ts`. All its queries hold then. */
  transition(ts: bigint): void {
    if (!this.isOpen || this.#endsExpired()) return;
    const modifications = this.#watched.takeModifications();
    const start = this.#version();
    const isNewVersion =
      this.#wanted.querySet !== this.#told.querySet || this.#wanted.identity !== this.#told.identity;
    if (modifications.length === 0 && !isNewVersion && !this.#owesTransition) return;
    this.#owesTransition = false;
    this.#told = { ...this.#wanted, ts: ts > this.#told.ts ? ts : this.#told.ts };
    const versions = `"startVersion":${JSON.stringify(start)},"endVersion":${JSON.stringify(this.#version())}`;
    this.#host.send(
      `{"type":"Transition",${versions},"modifications":[${modifications.join(",")}]${this.#times()}}`,
    );
  }

  /** By these the client knows how long the frame was on its way. */
  #times(): string {
    if (this.#clientClockSkewMs === null) return "";
    return `,"clientClockSkew":${this.#clientClockSkewMs},"serverTs":${this.#host.nowMs() * 1_000_000}`;
  }

  #send(frame: string): void {
    if (this.isOpen) this.#host.send(frame);
  }

  #take(message: SyncClientMessage): void {
    switch (message.type) {
      case "Connect":
        this.#connect(message);
        return;
      case "Authenticate":
        this.#authenticate(message);
        return;
      case "ModifyQuerySet":
        this.#modifyQuerySet(message);
        return;
      case "Mutation":
        if (!this.#endsExpired()) this.#host.runMutation(this, message);
        return;
      case "Action":
        this.#runAction(message);
        return;
      case "Event":
        return;
      default:
        message satisfies never;
    }
  }

  #runAction(message: MessageOf<"Action">): void {
    if (this.#endsExpired()) return;
    if (this.#pendingActions >= maxPendingActions) {
      this.#close(tryAgainLater, "TooManyInflightActionsForSingleClient");
      return;
    }
    this.#pendingActions += 1;
    this.#host.runAction(this, message);
  }

  #connect({ sessionId, maxObservedTs, clientTs }: MessageOf<"Connect">): void {
    if (clientTs !== null) this.#clientClockSkewMs = Math.round(clientTs - this.#host.nowMs());
    if (maxObservedTs !== null && maxObservedTs > this.#host.latestTs()) {
      this.fail(
        "The client has seen a later state than this deployment holds: its data was reset. Reload the page.",
      );
      return;
    }
    this.#sessionId = sessionId;
    this.#state = "ready";
  }

  #authenticate(message: MessageOf<"Authenticate">): void {
    if (message.baseVersion !== this.#wanted.identity) {
      this.fail(
        `Authenticate builds on identity version ${message.baseVersion}, but it is ${this.#wanted.identity}.`,
      );
      return;
    }
    this.#state = "authenticating";
    this.#host.identify(message).then(
      (caller) => this.#authenticated(caller),
      (error: unknown) => this.#refused(error),
    );
  }

  #authenticated(caller: Caller): void {
    if (this.#state !== "authenticating") return;
    this.#state = "ready";
    this.#caller = caller;
    this.#wanted.identity += 1;
    this.#watched.adopt(caller);
    // In turns, like everything that comes: a thousand slow calls may have been sent behind a token.
    this.#host.takeAgain(this, this.#waiting.splice(0));
    this.#host.needsTransition(this);
  }

  /** The client tries once more with a fresh token. What is no fault of the token makes it come back instead. */
  #refused(thrown: unknown): void {
    if (this.#state !== "authenticating") return;
    const { status, message } = asDeploymentError(thrown);
    if (status >= 500) this.breakOff();
    else this.#endUnauthenticated(message, true);
  }

  /** Whoever the token named is not here any more once it has expired; the client comes back with a fresh one. */
  #endsExpired(): boolean {
    if (this.#caller.kind !== "user" || this.#caller.expiresAtMs > this.#host.nowMs()) return false;
    this.#endUnauthenticated("Convex token identity expired", false);
    return true;
  }

  #endUnauthenticated(error: string, authUpdateAttempted: boolean): void {
    const baseVersion = this.#wanted.identity;
    this.#send(JSON.stringify({ type: "AuthError", error, baseVersion, authUpdateAttempted }));
    this.#close(normalClosure, "AuthError");
  }

  #modifyQuerySet({ baseVersion, newVersion, modifications }: MessageOf<"ModifyQuerySet">): void {
    if (baseVersion !== this.#wanted.querySet || newVersion <= baseVersion) {
      this.fail(
        `Base version ${baseVersion} passed up doesn't match the current version ${this.#wanted.querySet}`,
      );
      return;
    }
    this.#wanted.querySet = newVersion;
    for (const change of modifications) {
      this.#watched.change(change, this.#caller);
      if (this.#watched.size > maxQueries) {
        this.fail(
          `The client watches more than ${maxQueries} queries at once, the limit of this deployment. ` +
            "Ask for several things in one query, or watch only what is shown.",
        );
        return;
      }
    }
    this.#host.needsTransition(this);
  }

  #version(): SyncVersion {
    const { querySet, identity, ts } = this.#told;
    return { querySet, identity, ts: encodeTs(ts) };
  }

  #close(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#host.close(code, reason);
    this.socketClosed();
  }
}
