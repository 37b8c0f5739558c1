/**
 * One reply as this client knows it: which way its text comes, the text to show, the status to name. Outside React, so
 * that it survives unmounting and StrictMode; `replyStores.ts` keeps one for each stream.
 *
 *   beginDriving() ──> driving ──(cut, refused, stalled, no head, woken, taken over)──> watching
 *      driving ──(done, all text here)──> settled          watching ──(final body)──> settled
 *      settled ──(the server runs it again: a higher attempt)──> watching
 *
 * Longer than most modules, for it is one machine: what each input does depends on the mode and on most of the fields.
 */
import { bodyStatus, hasEnded, type RunStatus, type StreamEvent } from "../../convex/shared/streamEvents.ts";
import type { StreamOutcome } from "./chatStreamReader.ts";
import { heardThought, type LiveReasoning } from "./mergeReasoning.ts";
import {
  emptyReplyText,
  mergeBody,
  mergePiece,
  settleText,
  visibleText,
  type ReplyText,
  type TextPiece,
} from "./mergeReplyText.ts";
import type { ReplyBody, ReplyFeed, ReplyHead, ReplySnapshot, ReplyTail } from "./replySnapshot.ts";
import { createUpdateScheduler, type UpdateScheduler } from "./updateScheduler.ts";

/** How long a driver may go on reading after the database has called its reply ended: its last words are on the way. */
const LAST_WORDS_GRACE_MS = 1_500;

/** What a driver's connection tells the store. */
export interface DriverFeed {
  onEvent: (event: StreamEvent) => void;
  /** Called for every piece of the body, pings included. */
  onActivity: () => void;
  onEnd: (outcome: StreamOutcome) => void;
}

export interface ReplyStoreOptions {
  /** Text kept by the page before this one. */
  seed?: ReplyText | undefined;
  head?: ReplyHead | null;
  updates?: UpdateScheduler;
}

type Mode =
  | { kind: "watching" }
  | { kind: "driving"; connection: AbortController; lastActivityAt: number }
  | { kind: "settled"; attempt: number; role: "driver" | "spectator" };

export class ReplyStore {
  private mode: Mode = { kind: "watching" };
  private text: ReplyText;
  private head: ReplyHead | null;
  /** The status the stream itself announced; it is ahead of the database's by a moment. */
  private announced: RunStatus | null = null;
  private error: ReplySnapshot["error"] = null;
  /** The last status before the end; null for a reply that had ended before it was looked at. */
  private liveStatus: RunStatus | null;
  private tail: ReplyTail | null = null;
  private tailArrived = false;
  private bodyArrived = false;
  private hasGap = false;
  /** The attempt that this client's own run is; null until the server has said so. */
  private drivenAttempt: number | null = null;
  private graceTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<() => void>();
  private readonly updates: UpdateScheduler;
  private reasoning: LiveReasoning | null = null;
  private isThinking = false;
  private snapshot: ReplySnapshot;

  constructor({ seed, head, updates }: ReplyStoreOptions = {}) {
    this.text = seed ?? emptyReplyText;
    this.head = head ?? null;
    const status = head?.status ?? "queued";
    if (!hasEnded(status)) this.liveStatus = status;
    // The page before this one saw it at work.
    else this.liveStatus = seed === undefined ? null : "running";
    this.updates = updates ?? createUpdateScheduler();
    this.snapshot = this.takeSnapshot();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  getSnapshot = (): ReplySnapshot => this.snapshot;

  get isWatched(): boolean {
    return this.listeners.size > 0;
  }

  /** Nobody is known to have begun it. */
  get isQueued(): boolean {
    return this.mode.kind === "watching" && this.currentStatus() === "queued";
  }

  /** The run was this client's at some time. */
  get hasDriven(): boolean {
    return this.drivenAttempt !== null;
  }

  get isDriving(): boolean {
    return this.mode.kind === "driving";
  }

  /** The merged text with its attempt, for keeping across a reload; null when the database has it all. */
  get unsettledText(): ReplyText | null {
    return this.mode.kind === "settled" || visibleText(this.text) === "" ? null : this.text;
  }

  /**
   * Makes this client the driver, whose `connection` is let go of when it becomes a spectator. Null, and nothing
   * changes, for a client that drives or has driven, and for a reply that has ended: so a reply is driven once,
   * whatever mounts and unmounts. A driver whose run never began may come again.
   */
  beginDriving(connection: AbortController): DriverFeed | null {
    if (this.drivenAttempt !== null || this.mode.kind !== "watching") return null;
    if (this.head !== null && hasEnded(this.head.status)) return null;
    const driving: Mode = { kind: "driving", connection, lastActivityAt: Date.now() };
    this.mode = driving;
    this.publishNow();
    return {
      onEvent: (event) => {
        if (this.mode === driving) this.takeEvent(event);
      },
      onActivity: () => {
        driving.lastActivityAt = Date.now();
      },
      onEnd: (outcome) => {
        if (this.mode === driving) this.endDrive(outcome);
      },
    };
  }

  /**
   * The device woke or the network came back: a connection that was silent for `toleratedSilenceMs` is taken for dead.
   */
  wake(toleratedSilenceMs: number): void {
    if (this.mode.kind !== "driving") return;
    if (Date.now() - this.mode.lastActivityAt >= toleratedSilenceMs) this.spectate();
  }

  /** The reply's row in the message list. */
  receiveHead(head: ReplyHead): void {
    if (this.head?.status === head.status && this.head.attempt === head.attempt) return;
    this.head = head;
    if (!hasEnded(head.status)) this.liveStatus = head.status;
    if (this.drivenAttempt !== null && head.attempt > this.drivenAttempt) this.announced = null;
    if (this.mode.kind === "settled" && !hasEnded(head.status) && head.attempt > this.mode.attempt) {
      this.mode = { kind: "watching" };
      this.tailArrived = false;
    }
    if (this.mode.kind === "driving") this.checkDriverAgainst(head);
    this.publishNow();
  }

  /** The tail row; null when there is none. */
  receiveTail(tail: ReplyTail | null): void {
    if (this.mode.kind !== "watching") return;
    this.tailArrived = true;
    this.tail = tail;
    this.mergeTail();
    this.publishNow();
  }

  /** What `getChatBody` answers. The component's hook says `pending` with no text also while it is loading. */
  receiveBody(body: ReplyBody): void {
    if (this.mode.kind !== "watching") return;
    const isFinal = body.status !== "pending" && body.status !== "streaming";
    if (isFinal && this.head !== null && hasEnded(this.head.status)) {
      // A chat that is deleted answers as one that never was, and the deletion may be taken back.
      const isOfDeleted =
        body.status !== bodyStatus(this.head.status) || (body.text === "" && this.text.persistedLength > 0);
      if (!isOfDeleted) this.settle(settleText(this.text, body.text), "spectator");
      return;
    }
    if (body.status === "pending" && body.text === "") return;
    this.bodyArrived = true;
    this.text = mergeBody(this.text, body.text, this.highestAttempt());
    this.mergeTail();
    this.publishNow();
  }

  /** Lets go of the connection and of every timer. */
  close(): void {
    clearTimeout(this.graceTimer);
    this.updates.cancel();
    if (this.mode.kind === "driving") this.spectate();
    this.listeners.clear();
  }

  private takeEvent(event: StreamEvent): void {
    switch (event.kind) {
      case "start":
        this.announced = "running";
        this.drivenAttempt = event.attempt;
        // It may go on from text that is not here, and end without another word that would show so.
        this.takePiece({ attempt: event.attempt, from: event.from, text: "", source: "live" });
        break;
      case "text":
        this.isThinking = false;
        this.takePiece({
          attempt: this.drivenAttempt ?? this.text.attempt,
          from: event.offset,
          text: event.text,
          source: "live",
        });
        break;
      case "reasoning":
        this.isThinking = true;
        this.reasoning = heardThought(this.reasoning, event.offset, {
          place: this.text.text.length,
          text: event.text,
        });
        break;
      case "error":
        this.announced = "failed";
        this.error = { kind: event.error, message: event.message };
        break;
      case "done":
        this.announced = event.status;
        break;
      default:
        event satisfies never;
    }
    this.updates.request(this.publishNow);
  }

  private takePiece(piece: TextPiece): void {
    const { state, outcome } = mergePiece(this.text, piece);
    this.text = state;
    // Text that does not join ours means that the run began before this client: the database has the beginning.
    if (outcome === "gap") this.spectate();
  }

  private endDrive(outcome: StreamOutcome): void {
    if (
      outcome.kind === "finished" &&
      outcome.last.kind === "done" &&
      outcome.last.length === this.text.text.length
    ) {
      this.settle(settleText(this.text, this.text.text), "driver");
      return;
    }
    if (this.announced === "complete" || this.announced === "stopped") this.announced = null;
    this.spectate();
  }

  private spectate(): void {
    if (this.mode.kind !== "driving") return;
    const { connection } = this.mode;
    clearTimeout(this.graceTimer);
    this.graceTimer = undefined;
    this.mode = { kind: "watching" };
    // Only a final word outlives the connection; "running" may have become untrue with it.
    if (this.announced !== null && !hasEnded(this.announced)) this.announced = null;
    connection.abort();
    this.publishNow();
  }

  private settle(text: ReplyText, role: "driver" | "spectator"): void {
    clearTimeout(this.graceTimer);
    this.text = text;
    this.mode = { kind: "settled", attempt: this.highestAttempt(), role };
    this.tail = null;
    this.hasGap = false;
    this.publishNow();
  }

  private checkDriverAgainst(head: ReplyHead): void {
    if (head.status === "recovering" || (this.drivenAttempt !== null && head.attempt > this.drivenAttempt)) {
      this.spectate();
    } else if (hasEnded(head.status) && this.graceTimer === undefined) {
      this.graceTimer = setTimeout(() => this.spectate(), LAST_WORDS_GRACE_MS);
    }
  }

  private mergeTail(): void {
    if (this.tail === null) return;
    const { state, outcome } = mergePiece(this.text, { ...this.tail, source: "persisted" });
    this.text = state;
    this.hasGap = outcome === "gap";
  }

  private highestAttempt(): number {
    return Math.max(this.head?.attempt ?? 0, this.tail?.attempt ?? 0, this.text.attempt);
  }

  private feed(): ReplyFeed {
    if (this.mode.kind !== "watching") return "none";
    if (this.head !== null && hasEnded(this.head.status)) return "body";
    const tailIsEnough = this.tailArrived ? this.tail !== null && !this.hasGap : this.text.text !== "";
    return tailIsEnough ? "tail" : "tailAndBody";
  }

  private takeSnapshot(): ReplySnapshot {
    const role =
      this.mode.kind === "driving" || (this.mode.kind === "settled" && this.mode.role === "driver");
    const text = visibleText(this.text);
    const isHeardOf = text !== "" || this.bodyArrived || (this.tail !== null && !this.hasGap);
    return {
      text,
      status: this.currentStatus(),
      error: this.announced === "failed" ? this.error : null,
      role: role ? "driver" : "spectator",
      feed: this.feed(),
      reasoning: this.reasoning,
      isThinking: this.isThinking && this.mode.kind === "driving",
      // Of a reply that had ended before it was looked at, only the whole text counts.
      textKnown: this.mode.kind !== "watching" || (isHeardOf && this.liveStatus !== null),
    };
  }

  private currentStatus(): RunStatus {
    const written = this.head?.status ?? "queued";
    if (!hasEnded(written)) return this.announced ?? written;
    return this.mode.kind === "settled" ? written : (this.announced ?? this.liveStatus ?? written);
  }

  private publishNow = (): void => {
    this.updates.cancel();
    this.snapshot = this.takeSnapshot();
    for (const listener of this.listeners) {
      try {
        listener();
      } catch (error) {
        // A view that fails takes neither the connection nor the other views with it.
        console.error("A view of a reply could not take its new state.", error);
      }
    }
  };
}
