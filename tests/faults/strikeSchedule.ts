/**
 * When the deployment of a group is struck: when every scenario that waits for it has come to the place where it wants
 * to be hit, or can come there no more. So one strike hits sixteen replies, each at its own stage.
 */
import type { DeploymentFault } from "./faultTable.ts";

export interface Strike {
  kind: DeploymentFault;
  downMs: number;
}

export interface StruckScenario {
  /** Called right before the deployment goes: what cannot be waited for is brought about now. */
  prepare(): Promise<void>;
  /** Called at the strike, with what happens when the deployment is back. */
  struck(strike: Strike, back: Promise<void>): void;
}

/** Who has not come by then is hit where it is. A run that has to be taken up again needs half a minute to come. */
const patienceMs = 30_000;

export class StrikeSchedule {
  private readonly strikes: Strike[];
  private readonly strikeDeployment: (strike: Strike) => Promise<void>;
  /** Everybody that is not over. */
  private readonly members = new Set<StruckScenario>();
  private readonly waiting = new Map<StruckScenario, () => void>();
  /** By the number of the strike: who does not wait for it. */
  private readonly passed: Set<StruckScenario>[];
  private next = 0;
  private isStriking = false;
  private patience: NodeJS.Timeout | null = null;

  constructor(strikes: Strike[], strikeDeployment: (strike: Strike) => Promise<void>) {
    this.strikes = strikes;
    this.strikeDeployment = strikeDeployment;
    this.passed = strikes.map(() => new Set());
  }

  join(scenario: StruckScenario): void {
    this.members.add(scenario);
  }

  /** Resolves at the moment of the strike. */
  async arrive(scenario: StruckScenario, number: number): Promise<void> {
    if (number < this.next) return;
    await new Promise<void>((resolve) => {
      this.waiting.set(scenario, resolve);
      this.patience ??= setTimeout(() => void this.strike(), patienceMs);
      this.strikeWhenAllAreThere();
    });
  }

  /** The scenario will not come to the place where it wanted to be hit. */
  pass(scenario: StruckScenario, number: number): void {
    this.passed[number]?.add(scenario);
    this.strikeWhenAllAreThere();
  }

  /** The scenario is over. */
  leave(scenario: StruckScenario): void {
    this.members.delete(scenario);
    this.strikeWhenAllAreThere();
  }

  private strikeWhenAllAreThere(): void {
    const passed = this.passed[this.next];
    if (passed === undefined || this.isStriking || this.waiting.size === 0) return;
    const isReady = [...this.members].every((member) => this.waiting.has(member) || passed.has(member));
    if (isReady) void this.strike();
  }

  private async strike(): Promise<void> {
    const strike = this.strikes[this.next];
    if (strike === undefined || this.isStriking) return;
    this.isStriking = true;
    if (this.patience !== null) clearTimeout(this.patience);
    this.patience = null;
    const arrived = [...this.waiting];
    this.waiting.clear();
    await Promise.all(arrived.map(([scenario]) => scenario.prepare()));
    this.next += 1;
    const { promise: back, resolve } = Promise.withResolvers<void>();
    for (const member of this.members) member.struck(strike, back);
    for (const [, resolveArrival] of arrived) resolveArrival();
    await this.strikeDeployment(strike);
    resolve();
    this.isStriking = false;
    this.strikeWhenAllAreThere();
  }
}
