/**
 * Plays one scenario: opens its clients, brings the reply from stage to stage, does at each what the scenario plans,
 * and gathers the evidence.
 *
 *   beforeSend ─> betweenSendAndPost ─> beforeHead ─> beforeFirstToken ─> middle ─> lastFlush ─> finish ─> after
 *      gate: the driver waits ──┘   gate: a link holds the head ┘   gates: the model holds its next token
 *
 * A stage has come when it is seen from outside (`stage()`), never when time has passed. Its gate is opened when its
 * faults have been injected; gates of stages without faults are never shut. What a scenario can no longer reach, such
 * as the answer to a POST that was never made, it passes by. Long, for stages, gates and evidence are one timeline.
 */
import { randomUUID } from "node:crypto";
import type { LoggedRequest } from "../../demo/requestLog.ts";
import type { TurnRequest } from "../../src/sending/turnRequest.ts";
import { endWithinMs } from "./endWithin.ts";
import type { Evidence, InjectedFault } from "./evidence.ts";
import { isOfText, stageIndex, stages, type Stage } from "./faultTable.ts";
import { inject } from "./injection.ts";
import { ObservedReply } from "./observedReply.ts";
import { askOf, holdsHeadOfMessage, isModelHeldAt, type Scenario } from "./scenario.ts";
import {
  ancestorsOf,
  evidenceOfEarlier,
  newTurnOf,
  playEarlierTurn,
  shownReplyOf,
  type EarlierTurn,
} from "./earlierTurn.ts";
import { disturbedUntilMs, emptyEvidence, requestEvidence } from "./scenarioEvidence.ts";
import type { Strike, StrikeSchedule, StruckScenario } from "./strikeSchedule.ts";
import { finalState } from "./storedReply.ts";
import { Tab, type Turn } from "./tab.ts";
import type { World } from "./world.ts";

const lookMs = 5;

/** What takes longer than the rule allows is waited for a little, to tell late from never. */
const giveUpAfterMs = endWithinMs + 30_000;
/** The official client waits up to sixteen seconds before it connects again. */
const settleWithinMs = 40_000;
const closeWithinMs = 15_000;

export class Conductor implements StruckScenario {
  readonly scenario: Scenario;
  readonly world: World;
  readonly evidence: Evidence;
  readonly marker: string;
  readonly driver: Tab;
  readonly spectators: Tab[] = [];
  /** What was there before this reply was asked for; null: nothing. */
  private earlier: EarlierTurn | null = null;
  turn: Turn | null = null;
  observed: ObservedReply | null = null;
  /** Resolves when the page that is sending goes away. */
  private pageGone = Promise.withResolvers<void>();
  /** Faults that last, until they are over. */
  readonly lasting: Promise<unknown>[] = [];
  private readonly schedule: StrikeSchedule;
  private readonly opened = new Map<Stage, PromiseWithResolvers<void>>();
  private readonly disturbed = new Set<LoggedRequest>();
  private readonly startedAtMs = Date.now();
  private isReleasing = true;
  private phase: string | null = null;
  /** The last moment at which the suite itself held the reply up. */
  private heldUntilMs = Date.now();
  private stopWatching = () => {};

  static async start(world: World, scenario: Scenario, schedule: StrikeSchedule): Promise<Conductor> {
    const evidence = emptyEvidence(scenario);
    const driver = await Tab.open("driver", world.urls, evidence, scenario);
    return new Conductor(world, scenario, schedule, evidence, driver);
  }

  private constructor(
    world: World,
    scenario: Scenario,
    schedule: StrikeSchedule,
    evidence: Evidence,
    driver: Tab,
  ) {
    this.world = world;
    this.scenario = scenario;
    this.schedule = schedule;
    this.evidence = evidence;
    this.driver = driver;
    this.marker = askOf(scenario).marker;
    for (const stage of stages) this.opened.set(stage, Promise.withResolvers());
    schedule.join(this);
    for (const [number, { stage }] of scenario.strikes.entries()) {
      if (stage === null) schedule.pass(this, number);
    }
  }

  /** For whoever waits for it. */
  get doing(): string {
    return this.phase === null ? this.stage() : this.phase;
  }

  /** From Enter to the end of the run, as far as it has one. */
  async play(): Promise<void> {
    try {
      // Without the turn before there is nothing to ask for; the rules say so.
      if (this.scenario.second !== null && this.earlier === null) return;
      const sending = this.send();
      const releasing = this.releaseHolds();
      await this.goThroughStages();
      await sending;
      await Promise.all(this.lasting);
      await this.until(() => this.stage() === "after" || this.isTooLate());
      this.evidence.quietSinceMs = this.quietSinceMs();
      this.isReleasing = false;
      await releasing;
      this.phase = "ended";
    } finally {
      this.isReleasing = false;
      this.schedule.leave(this);
    }
  }

  /** What is left when nothing is wrong any more, in the whole group. */
  async conclude(): Promise<Evidence> {
    this.phase = "settling";
    await this.settle();
    for (const tab of [this.driver, ...this.spectators]) tab.closeReasoning();
    this.evidence.outages = this.world.health.outages.filter(({ toMs }) => toMs >= this.startedAtMs);
    this.phase = "over";
    this.evidence.requests = this.requests().map((request) =>
      requestEvidence(this.world, request, this.disturbed.has(request)),
    );
    this.evidence.stored = this.observed?.samples ?? [];
    this.evidence.endedAtMs = this.observed?.endedAtMs ?? null;
    if (!this.evidence.isDeleted && this.turn !== null) {
      this.evidence.final = await finalState(this.world.address.url, this.turn, {
        marker: this.marker,
        earlier: this.evidence.earlier,
      });
    }
    return this.evidence;
  }

  async close(): Promise<void> {
    this.stopWatching();
    await Promise.all([this.driver, ...this.spectators].map((tab) => tab.dispose()));
  }

  /** How far the reply has come, as seen from outside. */
  stage(): Stage {
    if (this.turn === null) return this.isHeadAwaited() ? "beforeHead" : "beforeSend";
    if ((this.observed?.endedAtMs ?? null) !== null || this.evidence.isDeleted) return "after";
    const request = this.requests().at(-1);
    if (request !== undefined) {
      if (request.state === "finished") return "finish";
      if (this.hasSpoken(request)) return request.unsentTokens === 0 ? "lastFlush" : "middle";
    }
    if (this.isHeadAwaited()) return "beforeHead";
    return request === undefined ? "betweenSendAndPost" : "beforeFirstToken";
  }

  /** A page of the app asks again after a POST that was lost; other clients' POSTs come later than the driver's first. */
  private isHeadAwaited(): boolean {
    const { posts } = this.evidence;
    const isApp = this.scenario.sending === "post";
    const own = isApp ? posts : posts.slice(0, 1);
    const isAwaited = isApp ? own.some(({ isOver }) => !isOver) : this.driver.isDriving;
    return own.length > 0 && own.every(({ httpStatus }) => httpStatus === null) && isAwaited;
  }

  /** Those for this reply. */
  requests(): readonly LoggedRequest[] {
    return this.world.requestsOf(this.marker).slice(this.earlier?.requestCount ?? 0);
  }

  /** The turn before, undisturbed, where the scenario is about another one. */
  async prepareChat(): Promise<void> {
    if (this.scenario.second === null) return;
    try {
      this.earlier = await playEarlierTurn(this.world, this.scenario);
      Object.assign(this.evidence, evidenceOfEarlier(this.scenario, this.earlier));
    } catch (error) {
      this.evidence.refusals.push(String(error));
    }
    this.heldUntilMs = Date.now();
  }

  /** Whether the message has come to the server, or comes in this time. */
  async hasArrived(withinMs: number): Promise<boolean> {
    const { earlier } = this;
    if (earlier === null) return await this.world.hasChat(this.marker, withinMs);
    return await this.world.hasMore(earlier.turn.chatId, earlier.messages.length, withinMs);
  }

  async until(condition: () => boolean, withinMs = Number.POSITIVE_INFINITY): Promise<void> {
    const giveUpAt = Date.now() + withinMs;
    while (!condition() && Date.now() < giveUpAt) await new Promise((resolve) => setTimeout(resolve, lookMs));
  }

  /** Notes a fault that was really injected; the caller sets its end if it lasts. */
  note(kind: InjectedFault["kind"], stage: Stage): InjectedFault {
    const now = Date.now();
    const fault = { kind, stage, atMs: now, endedAtMs: now };
    this.evidence.injected.push(fault);
    return fault;
  }

  /** The page that sends or drives is replaced: the next one sends again what it saw no answer to. */
  replacePage(): void {
    const { pageGone } = this;
    this.pageGone = Promise.withResolvers();
    this.isPageReplaced = false;
    pageGone.resolve();
  }

  /** The page that takes the place of the one that went is there. */
  isPageReplaced = false;

  /** The connection of what is asked now was disturbed on the way. */
  disturbRequests(): void {
    for (const request of this.requests()) this.disturbed.add(request);
  }

  openGate(stage: Stage): void {
    this.opened.get(stage)?.resolve();
    this.heldUntilMs = Date.now();
    if (stage === "beforeHead") this.driver.links.site.resume();
  }

  async addSpectator(): Promise<Tab> {
    const tab = await Tab.open(`spectator ${this.spectators.length + 1}`, this.world.urls, this.evidence);
    this.spectators.push(tab);
    if (this.turn !== null) tab.watch(this.turn);
    return tab;
  }

  async prepare(): Promise<void> {
    if (this.waitsForStage !== "finish") return;
    this.openGate("lastFlush");
    await this.until(() => stageIndex(this.stage()) >= stageIndex("finish"), 3_000);
  }

  struck({ kind }: Strike, back: Promise<void>): void {
    const fault = this.note(kind, this.stage());
    fault.endedAtMs = Number.POSITIVE_INFINITY;
    this.lasting.push(back.then(() => (fault.endedAtMs = Date.now())));
  }

  private waitsForStage: Stage | null = null;

  /** From Enter to the POST, through as many pages as the scenario makes of it. */
  private async send(): Promise<void> {
    const request = { ...newTurnOf(this.scenario, this.earlier), clientRequestId: randomUUID() };
    await this.opened.get("beforeSend")!.promise;
    const isApp = this.scenario.sending === "post";
    let sentBefore = new Promise<Turn>(() => undefined);
    for (let pages = 1; this.turn === null; pages++) {
      const { pageGone } = this;
      const sent = this.sendOnce(pages, request);
      // The old page's answer may still come or fail, and nobody listens any more.
      sent.catch(() => undefined);
      const turn = await Promise.race([sentBefore, sent, pageGone.promise]).catch((error: unknown) => {
        this.evidence.refusals.push(String(error));
        return null;
      });
      if (turn === null) return;
      sentBefore = isApp && pages === 1 ? sent : sentBefore;
      if (!turn) continue;
      this.turn = turn;
      this.evidence.ids = [turn.chatId, turn.messageId];
      this.evidence.ancestors = ancestorsOf(this.scenario, turn, this.earlier);
      this.heldUntilMs = Date.now();
      const observed = new ObservedReply(turn);
      this.observed = observed;
      this.stopWatching = this.world.observe((client) => observed.watch(client));
      // A page of the app drives by itself, or leaves it to the server.
      if (isApp && this.driver.isOpen) this.driver.watch(turn);
      for (let count = 0; count < this.scenario.spectators; count++) await this.addSpectator();
      if (isApp) return;
      await this.opened.get("betweenSendAndPost")!.promise;
      if (!this.driver.isOpen) return;
      if (pages > 1) this.driver.leaveToServer(turn);
      else if (this.pageGone === pageGone) this.driver.drive(turn);
    }
  }

  private async sendOnce(page: number, request: TurnRequest): Promise<Turn> {
    if (this.scenario.sending === "mutation") return await this.driver.send(request);
    const { clientRequestId: _, ...turn } = request;
    if (page === 1)
      return await this.driver.sendAsApp(
        turn,
        this.earlier?.turn.chatId ?? null,
        this.earlier && shownReplyOf(this.earlier),
      );
    await this.until(() => this.isPageReplaced);
    return await this.driver.acceptedTurn();
  }

  private async goThroughStages(): Promise<void> {
    const { faults, strikes } = this.scenario;
    for (const stage of stages) {
      const planned = faults.filter((fault) => fault.stage === stage);
      const numbers = strikes.flatMap((strike, number) => (strike.stage === stage ? [number] : []));
      if (planned.length > 0 || numbers.length > 0) {
        if (stage === "beforeHead" && this.scenario.sending === "mutation") this.holdHead();
        await this.reach(stage, numbers.length > 0);
        for (const fault of planned) {
          if (this.stage() === stage) await inject(this, fault);
        }
        await this.awaitStrikes(stage, numbers);
      }
      const isHeldForStrike = stage === "lastFlush" && strikes.some((strike) => strike.stage === "finish");
      if (stage === "beforeSend" && holdsHeadOfMessage(this.scenario)) this.holdHead();
      if (!isHeldForStrike) this.openGate(stage);
    }
    this.openGate("lastFlush");
  }

  private holdHead(): void {
    this.driver.links.site.hold(this.scenario.headHeld);
  }

  private async awaitStrikes(stage: Stage, numbers: number[]): Promise<void> {
    for (const number of numbers) {
      const place = stage === "finish" ? "lastFlush" : stage;
      if (stageIndex(this.stage()) > stageIndex(place)) {
        this.schedule.pass(this, number);
        continue;
      }
      this.waitsForStage = stage;
      if (this.scenario.strikesAfterFlush && isOfText(place)) await this.until(() => this.isPersisted());
      await this.schedule.arrive(this, number);
      this.waitsForStage = null;
    }
  }

  /** Waits until a stage has come or is past. The end of the model is not waited for by who is to be struck there. */
  private async reach(stage: Stage, isForStrike: boolean): Promise<void> {
    const place = stage === "finish" && isForStrike ? "lastFlush" : stage;
    await this.until(() => {
      const now = this.stage();
      if (stageIndex(now) > stageIndex(place) || this.isTooLate()) return true;
      // The model has come there when it is held there.
      const isOnHold = this.requests().at(-1)?.state === "onHold";
      return now === place && (isOnHold || !isModelHeldAt(place, this.scenario));
    });
  }

  /** Or never will be. */
  private isPersisted(): boolean {
    return (this.observed?.samples.at(-1)?.persistedLength ?? 0) > 0 || this.isTooLate();
  }

  /** Also in an earlier attempt; a reply that begins with the text of an earlier one has said nothing by that. */
  private hasSpoken({ sentText, isContinuation, messages }: LoggedRequest): boolean {
    const goesOn = isContinuation && messages.at(-2)?.text !== this.evidence.base;
    return sentText !== "" || goesOn;
  }

  private isGateOpen(request: LoggedRequest): boolean {
    if (!this.hasSpoken(request)) return this.openStages.has("beforeFirstToken");
    return this.openStages.has(request.unsentTokens === 0 ? "lastFlush" : "middle");
  }

  private readonly openStages = new Set<Stage>();

  private async releaseHolds(): Promise<void> {
    for (const [stage, { promise }] of this.opened) void promise.then(() => this.openStages.add(stage));
    while (this.isReleasing) {
      for (const request of this.requests()) {
        if (request.state === "onHold" && this.isGateOpen(request)) {
          this.heldUntilMs = Date.now();
          await this.world.release(request);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  private quietSinceMs(): number {
    return Math.max(this.heldUntilMs, disturbedUntilMs(this.world, this.evidence, this.observed));
  }

  private isTooLate(): boolean {
    return Date.now() > this.quietSinceMs() + this.evidence.workMs + giveUpAfterMs;
  }

  /** All faults are over, and every client that is open gets to its end. */
  private async settle(): Promise<void> {
    const tabs = [this.driver, ...this.spectators].filter((tab) => tab.isOpen);
    for (const tab of tabs) tab.heal();
    // Nobody gets to an end that is not there.
    if (!this.evidence.isDeleted && this.observed?.endedAtMs !== null)
      await this.until(() => tabs.every((tab) => tab.shown.isSettled), settleWithinMs);
    // Also of a reply that was stopped or deleted in the silence of its model.
    const isClosed = (request: LoggedRequest) => this.world.closedAtMs(request) !== null;
    await this.until(() => this.requests().every(isClosed), closeWithinMs);
  }
}
