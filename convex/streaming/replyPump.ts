/**
 * Moves one reply from the provider to its two sinks: to the driver's body at once, and to the database
 * through the batcher, off the token path. Owns the order of a run's end: provider, last flush, end of the
 * run, end of the body. Somewhat long, because that order and what may interrupt it is one piece of reasoning.
 */
import { pieces } from "../model/textPieces.ts";
import { asProviderError, ProviderError } from "../providers/provider.ts";
import type { FinishReason, Provider, ProviderEvent, ProviderRequest, Usage } from "../providers/provider.ts";
import { ChunkBatcher } from "./chunkBatcher.ts";
import type { Clock } from "./clock.ts";
import { InterruptibleWait, WaitInterrupted } from "./interruptibleWait.ts";
import { LeaseKeeper, watchMs } from "./leaseKeeper.ts";
import type { Lease } from "./leaseKeeper.ts";
import { ModelSilence } from "./modelSilence.ts";
import { OverlapRemoval } from "./overlapRemoval.ts";
import { replyEnd } from "./replyEnd.ts";
import type { Verdict } from "./replyEnd.ts";
import type { ReplySink } from "./replySink.ts";
import { RunLostError } from "./runStore.ts";
import type { RunStore } from "./runStore.ts";
import { WellFormedText } from "./wellFormedText.ts";
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

/** How often the end is tried. It can be refused for good, and the reaper then takes the run up. */
const maxEndTries = 3;
const endRetryMs = 500;

/** A body is silent for at most about this long. */
const pingMs = 5_000;

export interface PumpedRun {
  attempt: number;
  /** As the claim gave it; `askedAt` is on the pump's clock. */
  lease: Lease;
  /** The beginning of the reply, from an earlier attempt. */
  persistedText: string;
  request: ProviderRequest;
  /** Null where the price is unknown. */
  costOf(usage: Usage): number | null;
}

export interface PumpParts {
  provider: Provider;
  store: RunStore;
  sink: ReplySink;
  clock: Clock;
}

export class ReplyPump {
  private readonly run: PumpedRun;
  private readonly parts: PumpParts;
  private readonly keeper: LeaseKeeper;
  private readonly batcher: ChunkBatcher;
  private readonly wait: InterruptibleWait;
  /** Of the request that is under way. */
  private providerAbort = new AbortController();
  private readonly wellFormed = new WellFormedText();
  private readonly wellFormedReasoning = new WellFormedText();
  private readonly overlap: OverlapRemoval;
  private readonly silence = new ModelSilence();
  /** The whole reply as far as it went into the sinks. */
  private text: string;
  /** What came from the provider and has not gone into the sinks: a stop may come while there is no room. */
  private received = "";
  private reasoningLength = 0;
  private usage: Usage | null = null;
  private sentAt: number;
  /** How the run ends; the first one counts. */
  private verdict: Verdict | null = null;
  private lostBy: RunLostError | null = null;

  constructor(run: PumpedRun, parts: PumpParts) {
    this.run = run;
    this.parts = parts;
    this.text = run.persistedText;
    this.overlap = new OverlapRemoval(run.persistedText);
    this.wait = new InterruptibleWait(parts.clock);
    this.sentAt = parts.clock.now();
    this.keeper = new LeaseKeeper({
      store: parts.store,
      clock: parts.clock,
      lease: run.lease,
      onStop: () => this.decide({ kind: "stopped" }),
      onLost: (error) => this.lose(error),
      onWatch: () => {
        this.pingWhenSilent();
        this.endSilence();
      },
    });
    this.batcher = new ChunkBatcher({
      from: run.persistedText.length,
      clock: parts.clock,
      isFinal: (error) => error instanceof RunLostError,
      flush: (from, text) => this.keeper.extend(() => parts.store.append(from, text)),
    });
  }

  /**
   * Resolves when the run has ended and the body is closed. Rejects, also with the body closed, with a
   * `RunLostError` when the run is not this pump's any more, and with the store's own error when it refused
   * the end three times. Whoever takes the run up continues from what is persisted.
   */
  async pump(): Promise<void> {
    this.keeper.start();
    try {
      this.send({ kind: "start", attempt: this.run.attempt, from: this.text.length });
      const verdict = await this.produce();
      await this.persist(verdict);
    } finally {
      this.keeper.stop();
      this.batcher.close(new RunLostError("The pump has ended."));
      this.providerAbort.abort();
      this.parts.sink.close();
    }
  }

  /** Reads the provider until there is a verdict, asking again where that can help. */
  private async produce(): Promise<Verdict> {
    for (let tries = 0; ; tries++) {
      try {
        this.decide({ kind: "complete", finishReason: await this.read() });
      } catch (thrown) {
        const error = asProviderError(thrown);
        const waitMs = retryWaitsMs[tries];
        if (!this.silence.allowsRetry || !error.isRetryable || waitMs === undefined) {
          this.decide({ kind: "failed", error });
        } else {
          await this.wait.sleep(waitMs);
        }
      }
      this.throwIfLost();
      if (this.verdict !== null) {
        return this.verdict;
      }
    }
  }

  private async read(): Promise<FinishReason> {
    const abort = new AbortController();
    this.providerAbort = abort;
    const events = this.parts.provider.stream(this.run.request, abort.signal)[Symbol.asyncIterator]();
    let finishReason: FinishReason | null = null;
    try {
      for (;;) {
        this.silence.begin();
        const { done, value } = await this.wait.for(events.next());
        this.silence.end();
        if (done) {
          break;
        }
        finishReason = value.kind === "finish" ? value.reason : finishReason;
        await this.take(value);
      }
    } catch (error) {
      // A provider that breaks off after its last word only kept its bill to itself.
      if (finishReason === null || error instanceof WaitInterrupted || error instanceof RunLostError) {
        throw error;
      }
    } finally {
      this.silence.end();
      abort.abort();
    }
    if (finishReason === null) {
      throw new ProviderError(
        "network",
        "The connection to the model broke off before the reply was complete.",
      );
    }
    return finishReason;
  }

  private async take(event: ProviderEvent): Promise<void> {
    switch (event.kind) {
      case "text":
        this.silence.hear();
        await this.deliver(this.overlap.push(this.wellFormed.push(event.text)));
        return;
      case "reasoning":
        this.silence.hear();
        await this.untilHeld();
        this.deliverReasoning(this.wellFormedReasoning.push(event.text));
        return;
      case "usage":
        this.usage = event.usage;
        return;
      case "finish":
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
      this.send({ kind: "text", offset: this.text.length, text: piece });
      this.text += piece;
      this.batcher.push(piece);
      this.received = this.received.slice(piece.length);
    }
  }

  /** A driver is shown nothing by a pump that does not know whether it still has the run. */
  private async untilHeld(): Promise<void> {
    if (!this.keeper.isHeld()) {
      await this.wait.for(this.keeper.held());
    }
  }

  private deliverReasoning(text: string): void {
    if (text === "") {
      return;
    }
    this.send({ kind: "reasoning", offset: this.reasoningLength, text });
    this.reasoningLength += text.length;
  }

  /**
   * Everything that was received is persisted before the run ends, and the run has ended before the body says
   * so.
   */
  private async persist(verdict: Verdict): Promise<void> {
    this.providerAbort.abort();
    const rest = this.received + this.overlap.push(this.wellFormed.end()) + this.overlap.end();
    const offset = this.text.length;
    this.text += rest;
    // Into the database first, whole: with nobody left to wait for room, the driver would get too far ahead.
    this.batcher.push(rest);
    await this.batcher.drain();
    this.deliverReasoning(this.wellFormedReasoning.end());
    if (rest !== "") {
      this.send({ kind: "text", offset, text: rest });
    }
    const end = replyEnd(verdict, {
      text: this.text,
      newLength: this.text.length - this.run.persistedText.length,
      usage: this.usage,
      request: this.run.request,
      costOf: (usage) => this.run.costOf(usage),
    });
    for (let tries = 1; ; tries++) {
      try {
        this.throwIfLost();
        await this.parts.store.end(end);
        break;
      } catch (error) {
        if (error instanceof RunLostError || tries === maxEndTries) {
          throw error;
        }
        await new Promise<void>((resolve) => this.parts.clock.setTimer(resolve, endRetryMs));
      }
    }
    this.send(
      end.status === "failed"
        ? { kind: "error", error: end.error.kind, message: end.error.message }
        : { kind: "done", status: end.status, length: this.text.length },
    );
  }

  private decide(verdict: Verdict): void {
    this.verdict ??= verdict;
    this.providerAbort.abort();
    this.wait.interrupt();
  }

  private lose(error: RunLostError): void {
    this.lostBy ??= error;
    this.batcher.close(error);
    this.providerAbort.abort();
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
