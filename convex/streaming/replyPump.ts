/**
 * Moves one reply from the provider to its two sinks: to the driver's body at once, and to the database
 * through the batcher, off the token path. Owns the order of a run's end: provider, end of the run with the
 * last words, end of the body. There is no last flush before the end of the run: whoever died between the two would leave
 * a reply that is whole to a successor that cannot know it, and the model would be asked to go on with it. Somewhat long, because that order and what may interrupt it is one piece of reasoning.
 */
import { pieces } from "../model/textPieces.ts";
import { asProviderError, ProviderError } from "../providers/provider.ts";
import type { FinishReason, ProviderEvent, Usage } from "../providers/provider.ts";
import { maxGenerationMs } from "./actionLifetime.ts";
import { ChunkBatcher } from "./chunkBatcher.ts";
import { InterruptibleWait, WaitInterrupted } from "./interruptibleWait.ts";
import { LeaseKeeper, watchMs } from "./leaseKeeper.ts";
import { ModelSilence } from "./modelSilence.ts";
import type { PumpedRun, PumpParts } from "./pumpedRun.ts";
import { ReasoningBatcher } from "./reasoningBatcher.ts";
import { replyEnd, withoutAWord } from "./replyEnd.ts";
import type { Verdict } from "./replyEnd.ts";
import { ResponseSource } from "./responseSource.ts";
import { RunLostError } from "./runStore.ts";
import type { ReplyEnd } from "./runStore.ts";
import { untilStored } from "./untilStored.ts";
import type { StreamEvent } from "../shared/streamEvents.ts";

/**
 * UTF-16 units by which a driver may be ahead of the database: the provider is not read on before there is
 * room.
 */
const maxUnacknowledged = 4_000;

/** The most that goes into the sinks at once, so that the bound above holds whatever a provider sends. */
const maxPieceLength = 500;

/** Waits before a provider that failed before its first word is asked again. */
const retryWaitsMs = [500, 2_000];

/** Flushes in a row that may fail. What the database never takes would else be tried for as long as leases last. */
const maxFailedFlushes = 10;

/** A body is silent for at most about this long. */
const pingMs = 5_000;

export class ReplyPump {
  private readonly run: PumpedRun;
  private readonly parts: PumpParts;
  private readonly keeper: LeaseKeeper;
  private readonly batcher: ChunkBatcher;
  private readonly reasoningBatcher: ReasoningBatcher;
  private readonly wait: InterruptibleWait;
  /** Of the request that is under way. */
  private providerAbort = new AbortController();
  private readonly source: ResponseSource;
  private readonly silence = new ModelSilence();
  /** The reply as far as it went into the sinks, from offset `run.persistedFrom` on. */
  private text: string;
  /** What came from the provider and has not gone into the sinks: a stop may come while there is no room. */
  private received = "";
  /** The same of its reasoning: a stop may come before it is known whether the run is still held. */
  private receivedReasoning = "";
  private failedFlushes = 0;
  private reasoningLength: number;
  /** Of the request that is under way; once it is there, the reply is complete. */
  private finishReason: FinishReason | null = null;
  private usage: Usage | null = null;
  private sentAt: number;
  /** How the run ends, or that another action goes on with it. The first one counts. */
  private verdict: Verdict | { kind: "handOn" } | null = null;
  private cancelLimit = () => {};
  private lostBy: RunLostError | null = null;

  constructor(run: PumpedRun, parts: PumpParts) {
    this.run = run;
    this.parts = parts;
    this.text = run.persistedText;
    this.reasoningLength = run.reasoningLength;
    this.source = new ResponseSource(run, parts, () => this.silence.hear());
    this.wait = new InterruptibleWait(parts.clock);
    this.sentAt = parts.clock.now();
    this.keeper = new LeaseKeeper({
      store: parts.store,
      clock: parts.clock,
      lease: run.lease,
      onStop: () => this.decideUnlessFinished({ kind: "stopped" }),
      onLost: (error) => this.lose(error),
      onWatch: () => {
        this.pingWhenSilent();
        this.endSilence();
      },
    });
    this.batcher = new ChunkBatcher({
      from: this.length,
      clock: parts.clock,
      isFinal: (error) => error instanceof RunLostError,
      flush: async (from, text) => await this.flush(from, text),
    });
    this.reasoningBatcher = new ReasoningBatcher({
      from: run.reasoningLength,
      clock: parts.clock,
      isFinal: (error) => error instanceof RunLostError,
      flush: async (from, thoughts) => {
        try {
          await parts.store.appendReasoning(from, thoughts);
        } catch (error) {
          if (error instanceof RunLostError) {
            this.lose(error);
          }
          throw error;
        }
      },
    });
  }

  /**
   * Resolves when the run has ended or was handed on, and the body is closed. Rejects, also with the body closed, with a
   * `RunLostError` when the run is not this pump's any more, and with the store's own error when it refused
   * the end again and again. Whoever takes the run up continues from what is persisted.
   */
  async pump(): Promise<void> {
    const { clock } = this.parts;
    const restMs = Math.max(0, this.run.actionBeganAt + maxGenerationMs - clock.now());
    this.cancelLimit = clock.setTimer(() => this.decideUnlessFinished({ kind: "handOn" }), restMs);
    this.keeper.start();
    try {
      this.send({ kind: "start", attempt: this.run.attempt, from: this.length });
      await this.produce();
      await this.end();
    } finally {
      this.cancelLimit();
      this.keeper.stop();
      this.reasoningBatcher.close();
      this.batcher.close(new RunLostError("The pump has ended."));
      this.providerAbort.abort();
      await this.source.close();
      this.parts.sink.close();
    }
  }

  /** UTF-16 units of the whole reply as far as it went into the sinks. */
  private get length(): number {
    return this.run.persistedFrom + this.text.length;
  }

  /** Reads the provider until there is a verdict, asking again where that can help. */
  private async produce(): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        this.decide({ kind: "complete", finishReason: await this.read() });
      } catch (thrown) {
        const error = asProviderError(thrown);
        const waitMs = retryWaitsMs[tries];
        if (this.silence.allowsRetry && error.isRetryable && waitMs !== undefined) {
          await this.wait.sleep(waitMs);
        } else if (this.verdict === null && this.lostBy === null && this.source.giveUp()) {
          tries = -1;
        } else {
          this.decide({ kind: "failed", error });
        }
      }
      this.throwIfLost();
      if (this.verdict !== null) {
        return;
      }
    }
  }

  private async read(): Promise<FinishReason> {
    const abort = new AbortController();
    this.providerAbort = abort;
    const events = this.source.open(abort.signal)[Symbol.asyncIterator]();
    this.finishReason = null;
    try {
      for (;;) {
        this.silence.begin();
        const { done, value } = await this.wait.for(events.next());
        this.silence.end();
        if (done) {
          break;
        }
        await this.take(value);
      }
    } catch (error) {
      // A provider that breaks off after its last word only kept its bill to itself.
      if (this.finishReason === null || error instanceof WaitInterrupted || error instanceof RunLostError) {
        throw error;
      }
    } finally {
      this.silence.end();
      abort.abort();
    }
    return this.finishReason ?? this.source.brokeOff();
  }

  private async take(event: ProviderEvent): Promise<void> {
    switch (event.kind) {
      case "text":
        this.batcher.hold(false);
        await this.deliver(this.source.newText(event.text));
        return;
      case "reasoning":
        this.receivedReasoning = this.source.newReasoning(event.text);
        await this.untilHeld();
        this.deliverReasoning();
        return;
      case "usage":
        this.usage = event.usage;
        return;
      case "finish":
        this.source.finish();
        this.finishReason = event.reason;
        this.batcher.hold(true);
        this.silence.finish();
        return;
      case "response":
        this.source.note(event.id, { from: this.length, reasoningFrom: this.reasoningLength });
        return;
      case "responseFailed":
        this.source.forget();
        return;
      default:
        event satisfies never;
    }
  }

  private async deliver(text: string): Promise<void> {
    this.received = text;
    for (const piece of pieces(text, maxPieceLength)) {
      if (this.batcher.unacknowledgedLength + piece.length > maxUnacknowledged) {
        await this.wait.for(this.batcher.room(maxUnacknowledged - piece.length));
      }
      await this.untilHeld();
      this.send({ kind: "text", offset: this.length, text: piece });
      this.text += piece;
      this.batcher.push(piece);
      this.received = this.received.slice(piece.length);
    }
  }

  private async flush(from: number, text: string): Promise<void> {
    try {
      await this.keeper.extend(() => this.parts.store.append(from, text));
      this.failedFlushes = 0;
    } catch (error) {
      this.failedFlushes += 1;
      if (error instanceof RunLostError || this.failedFlushes < maxFailedFlushes) {
        throw error;
      }
      const message = `The text could not be stored, ${maxFailedFlushes} times in a row.`;
      const lost = new RunLostError(message, { cause: error });
      this.lose(lost);
      throw lost;
    }
  }

  /** A driver is shown nothing by a pump that does not know whether it still has the run. */
  private async untilHeld(): Promise<void> {
    if (!this.keeper.isHeld()) {
      await this.wait.for(this.keeper.held());
    }
  }

  /** Nothing waits for it to be persisted: thoughts come before the words, and must not hold them up. */
  private deliverReasoning(): void {
    const thought = this.receivedReasoning;
    this.receivedReasoning = "";
    this.reasoningBatcher.push({ place: this.length - this.source.behind, text: thought });
    this.sendReasoning(thought);
  }

  private sendReasoning(text: string): void {
    if (text !== "") {
      this.send({ kind: "reasoning", offset: this.reasoningLength, text });
      this.reasoningLength += text.length;
    }
  }

  /**
   * Everything that was received is persisted with the run's end, and the body says so after that. A run that is handed
   * on has no end, and its body says nothing.
   */
  private async end(): Promise<void> {
    this.providerAbort.abort();
    await this.source.noted();
    const offset = this.length;
    const place = offset - this.source.behind;
    const rest = this.rest();
    // Half a character is left to the successor, as that of the text.
    const half = this.verdict?.kind === "handOn" ? "" : this.source.restOfReasoning();
    const thought = this.receivedReasoning + half;
    this.reasoningBatcher.push({ place, text: thought });
    this.text += rest;
    const { length } = this;
    this.batcher.hold(true);
    const end = this.replyEnd();
    // Flushes that are under way are not waited for: the database takes the same words once.
    const persistedLength = this.batcher.acknowledgedLength;
    const last = { text: this.text, length, persistedLength, reasoning: this.reasoningBatcher.takeRest() };
    const { store } = this.parts;
    await this.untilStored(async () => await (end === null ? store.handOn(last) : store.end(end, last)));
    this.sendReasoning(thought);
    if (rest !== "") {
      this.send({ kind: "text", offset, text: rest });
    }
    if (end !== null) {
      this.sendEnd(end, length);
    }
  }

  /** What was received and has not gone into the sinks. */
  private rest(): string {
    if (this.verdict?.kind !== "handOn") {
      return this.received + this.source.rest();
    }
    const rest = this.received + this.source.restBeforeHalf();
    if (this.text.length + rest.length > this.run.persistedText.length) {
      // Half a character is left to the successor, which begins with the whole one.
      return rest;
    }
    this.verdict = withoutAWord(maxGenerationMs);
    return rest + this.source.rest();
  }

  /** How the run ends; null when another action goes on with it. */
  private replyEnd(): ReplyEnd | null {
    const { verdict, length, usage, run } = this;
    if (verdict === null || verdict.kind === "handOn") {
      return null;
    }
    const newLength = this.text.length - run.persistedText.length;
    const costOf = (used: Usage) => run.costOf(used);
    return replyEnd(verdict, { length, newLength, usage, request: run.request, costOf });
  }

  private sendEnd(end: ReplyEnd, length: number): void {
    this.send(
      end.status === "failed"
        ? { kind: "error", error: end.error.kind, message: end.error.message }
        : { kind: "done", status: end.status, length },
    );
  }

  private async untilStored(store: () => Promise<void>): Promise<void> {
    await untilStored(async () => {
      this.throwIfLost();
      await store();
    }, this.parts.clock);
  }

  /** A reply that is whole is complete, whoever wants it to end now: only its bill is waited for. */
  private decideUnlessFinished(verdict: { kind: "handOn" } | { kind: "stopped" }): void {
    this.decide(this.finishReason === null ? verdict : { kind: "complete", finishReason: this.finishReason });
  }

  private decide(verdict: Verdict | { kind: "handOn" }): void {
    // Nobody goes on with a reply that was to be stopped.
    const isReplaced =
      this.verdict === null || (this.verdict.kind === "handOn" && verdict.kind === "stopped");
    this.verdict = isReplaced ? verdict : this.verdict;
    this.providerAbort.abort();
    if (isReplaced && verdict.kind === "stopped") {
      this.source.cancel();
    }
    this.wait.interrupt();
  }

  private lose(error: RunLostError): void {
    this.lostBy ??= error;
    this.keeper.stop();
    this.batcher.close(error);
    this.reasoningBatcher.close();
    this.providerAbort.abort();
    void this.source.close();
    this.wait.interrupt();
  }

  private throwIfLost(): void {
    if (this.lostBy !== null) {
      throw this.lostBy;
    }
  }

  private send(event: StreamEvent): void {
    this.parts.sink.send(event);
    this.sentAt = this.parts.clock.now();
  }

  private endSilence(): void {
    this.silence.pass(watchMs);
    if (this.silence.isTooLong) {
      this.wait.fail(new ProviderError("timeout", "The model was silent for too long."));
    }
  }

  private pingWhenSilent(): void {
    if (this.parts.clock.now() - this.sentAt >= pingMs) {
      this.parts.sink.ping();
      this.sentAt = this.parts.clock.now();
    }
  }
}
