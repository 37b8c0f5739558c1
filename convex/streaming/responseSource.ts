/**
 * Where a pump's words come from: the answer to a prompt, or a response that an earlier request began and its provider
 * goes on with. Owns what is known of that response: it is noted in the database off the token path, replayed without
 * what is persisted, given up for a prompt where that does not work, and cancelled when the run is stopped.
 *
 *     response known --- replay brings what is persisted, then more ---> goes on with it
 *            |
 *            | unknown to the provider, failed, or other words
 *            v
 *     prompt, which asks to continue the persisted text ---> another response may be known
 */
import { ProviderError } from "../providers/provider.ts";
import type { ProviderEvent } from "../providers/provider.ts";
import { OverlapRemoval } from "./overlapRemoval.ts";
import type { PumpedRun, PumpParts } from "./pumpedRun.ts";
import { ResumedText } from "./resumedText.ts";
import { RunLostError } from "./runStore.ts";
import type { NotedResponse } from "./runStore.ts";
import { untilStored } from "./untilStored.ts";
import { WellFormedText } from "./wellFormedText.ts";

export class ResponseSource {
  private readonly run: PumpedRun;
  private readonly parts: Pick<PumpParts, "provider" | "store" | "clock">;
  private readonly onNews: () => void;
  private response: NotedResponse | null;
  /** Where a response is replayed; null while a prompt is answered. */
  private resumed: ResumedText | null = null;
  /** What was held back of a stream that has come to its end. */
  private lastWords = "";
  private novelty: { push(text: string): string; end(): string };
  private wellFormed = new WellFormedText();
  private wellFormedReasoning = new WellFormedText();
  /** Units of reasoning that the replay brings once more. */
  private knownReasoning = 0;
  /** The stream that is under way has brought something that was not persisted. */
  private hasNews = false;
  private isClosed = false;
  private noting: Promise<void> = Promise.resolve();
  private cancelling: Promise<void> = Promise.resolve();

  /** `onNews` hears of every word and thought that was not known: a replay of the others is no sign that more will come. */
  constructor(run: PumpedRun, parts: Pick<PumpParts, "provider" | "store" | "clock">, onNews: () => void) {
    this.run = run;
    this.parts = parts;
    this.onNews = onNews;
    this.response = run.response ?? null;
    this.novelty = new OverlapRemoval(run.persistedText);
  }

  /** Begins a stream: the replay of the response that is known, or the answer to the prompt. */
  open(signal: AbortSignal): AsyncIterable<ProviderEvent> {
    const { run, response } = this;
    const { provider } = this.parts;
    this.hasNews = false;
    this.lastWords = "";
    this.wellFormed = new WellFormedText();
    this.wellFormedReasoning = new WellFormedText();
    // Of a very long reply only the end was handed over, which may not go back to where the response began.
    if (response !== null && provider.resume !== undefined && response.from >= run.persistedFrom) {
      const began = response.from - run.persistedFrom;
      this.resumed = new ResumedText(run.persistedText.slice(0, began), run.persistedText.slice(began));
      this.novelty = this.resumed;
      this.knownReasoning = run.reasoningLength - response.reasoningFrom;
      return provider.resume(response.id, signal);
    }
    this.resumed = null;
    this.novelty = new OverlapRemoval(run.persistedText);
    this.knownReasoning = 0;
    return provider.stream(run.request, signal);
  }

  /** The part of `text` that was not persisted before. Throws a `ProviderError` where a replay has other words. */
  newText(text: string): string {
    const news = this.lastWords + this.novelty.push(this.wellFormed.push(text));
    this.lastWords = "";
    if (this.resumed?.differs) {
      throw new ProviderError("unknown", "The model's server replayed other words than are persisted.");
    }
    this.hear(news);
    return news;
  }

  /** What is still held back and not persisted, when no more will come. */
  rest(): string {
    const rest = this.lastWords + this.novelty.push(this.wellFormed.end()) + this.novelty.end();
    this.lastWords = "";
    return rest;
  }

  /** The same without the half of a character that the text may end with. */
  restBeforeHalf(): string {
    const rest = this.lastWords + this.novelty.end();
    this.lastWords = "";
    return rest;
  }

  newReasoning(text: string): string {
    const thought = this.wellFormedReasoning.push(text);
    const news = thought.slice(this.knownReasoning);
    this.knownReasoning = Math.max(0, this.knownReasoning - thought.length);
    this.hear(news);
    return news;
  }

  restOfReasoning(): string {
    return this.wellFormedReasoning.end().slice(this.knownReasoning);
  }

  /** UTF-16 units that the replay is behind what is persisted. */
  get behind(): number {
    return this.resumed?.behind ?? 0;
  }

  /** The stream says that it has finished. Throws a `ProviderError` where a replay has not brought all that is persisted. */
  finish(): void {
    if (this.resumed !== null) {
      // What was held back to the end is persisted if that was known before.
      this.lastWords = this.rest();
      if (this.behind > 0 || this.resumed.differs) {
        throw new ProviderError("unknown", "The model's server replayed something else than is persisted.");
      }
    }
  }

  /** The stream has ended and did not finish. */
  brokeOff(): never {
    throw new ProviderError(
      "network",
      "The connection to the model broke off before the reply was complete.",
    );
  }

  private hear(news: string): void {
    if (this.resumed === null || news !== "") {
      this.hasNews = true;
      this.onNews();
    }
  }

  /** From now on the run goes on with this response, which began where the reply now ends. */
  note(id: string, at: Omit<NotedResponse, "id">): void {
    if (id === this.response?.id) {
      return;
    }
    const response = { id, ...at };
    this.response = response;
    this.noting = untilStored(async () => {
      // A newer one may be noted by the time that this is tried again.
      if (!this.isClosed && this.response === response) {
        await this.parts.store.noteResponse(response);
      }
    }, this.parts.clock).catch((error: unknown) => {
      // Whoever lost the run hears of it by its lease; without the note a successor asks with a prompt.
      if (!(error instanceof RunLostError)) {
        console.warn("A response could not be noted: should its run die, it is not resumed.", error);
      }
    });
  }

  /** The response has failed at its provider: the next stream is the answer to the prompt. */
  forget(): void {
    this.response = null;
  }

  /** Whether a prompt may do what a replay could not; the response that is given up is cancelled. */
  giveUp(): boolean {
    const canAsk = this.resumed !== null && !this.hasNews;
    if (canAsk) {
      this.cancel();
      this.response = null;
    }
    return canAsk;
  }

  /** Ends the response at its provider: its connection is only a way to read it. */
  cancel(): void {
    const { provider } = this.parts;
    if (this.response !== null && provider.cancel !== undefined) {
      this.cancelling = provider.cancel(this.response.id).catch((error: unknown) => {
        console.warn("A response could not be cancelled here; the end of its run tries again.", error);
      });
    }
  }

  /** The database knows what this run goes on with: before it is handed on or ends. */
  async noted(): Promise<void> {
    await this.noting;
  }

  /** Nothing is noted any more. Resolves when what was to be cancelled is. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.cancelling;
  }
}
