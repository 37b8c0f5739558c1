/** What the suite prints: progress, failures with their evidence and the way to see them again, the table. */
import type { Evidence } from "./evidence.ts";
import { faultKinds, faultTable, stages, type FaultKind, type Stage } from "./faultTable.ts";
import type { PlayedScenario } from "./group.ts";
import type { BrokenRule } from "./rules.ts";
import { kindsOf, scenarioKinds, type ScenarioKind } from "./scenarioKinds.ts";

/** How often each fault was really injected at each stage, and each kind of scenario really played. */
export class Coverage {
  private readonly counts = new Map<string, number>();
  private readonly kinds = new Map<ScenarioKind, number>();

  add({ scenario, evidence }: PlayedScenario): void {
    const { injected } = evidence;
    for (const kind of kindsOf(evidence, scenario)) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
    for (const { kind, stage } of injected) {
      this.counts.set(`${kind} ${stage}`, this.count(kind, stage) + 1);
    }
  }

  count(kind: FaultKind, stage: Stage): number {
    return this.counts.get(`${kind} ${stage}`) ?? 0;
  }

  get injections(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Cells that could have had a fault, and kinds of scenarios that never were. */
  empty(): string[] {
    const cells = faultKinds.flatMap((kind) =>
      stages
        .filter((stage) => faultTable[kind][stage] === true && this.count(kind, stage) === 0)
        .map((stage) => `${kind}@${stage}`),
    );
    return [...cells, ...scenarioKinds.filter((kind) => !this.kinds.has(kind))];
  }

  /** What scenarios were besides, with how often. */
  kindLines(): string[] {
    return scenarioKinds.map((kind) => `${String(this.kinds.get(kind) ?? 0).padStart(6)} ${kind}`);
  }

  /** A cell that cannot be is a dash; one that could and never was, a nought. */
  table(): string {
    const rows = faultKinds.map((kind) =>
      stages.map((stage) => {
        const count = this.count(kind, stage);
        return count === 0 && faultTable[kind][stage] !== true ? "-" : String(count);
      }),
    );
    const nameWidth = Math.max(...faultKinds.map((kind) => kind.length));
    const line = (name: string, cells: readonly string[]) =>
      name.padEnd(nameWidth) + cells.map((cell, index) => cell.padStart(stages[index]!.length + 2)).join("");
    return [line("", stages), ...faultKinds.map((kind, index) => line(kind, rows[index]!))].join("\n");
  }
}

export function describeFailure(
  { scenario, evidence }: PlayedScenario,
  broken: readonly BrokenRule[],
): string {
  return [
    `FAILED ${evidence.title}`,
    ...broken.map(({ rule, what }) => `  ${rule}: ${what}`),
    ...timeline(evidence).map((line) => `    ${line}`),
    `  again: npm run faults -- --seed ${scenario.seed} --only ${scenario.number}`,
  ].join("\n");
}

/** What happened, in order, in seconds since the first of it. */
function timeline(evidence: Evidence): string[] {
  const { injected, requests, clients, posts, stored, final, stopAskedAtMs, endedAtMs, quietSinceMs } =
    evidence;
  const events: [number, string][] = [
    ...injected.map(({ kind, stage, atMs, endedAtMs }): [number, string] => [
      atMs,
      `fault ${kind} at ${stage} for ${endedAtMs - atMs} ms`,
    ]),
    ...requests.flatMap(
      ({ startedAtMs, closedAtMs, state, sentText, isContinuation }): [number, string][] => [
        [startedAtMs, `the model is asked${isContinuation ? " to continue" : ""}`],
        ...(closedAtMs === null
          ? []
          : [[closedAtMs, `the model is ${state}, ${sentText.length} units sent`] as [number, string]]),
      ],
    ),
    ...clients.flatMap(({ name, samples }) => notable(name, samples)),
    ...stored
      .filter(
        ({ status, attempt }, index) =>
          status !== stored[index - 1]?.status || attempt !== stored[index - 1]?.attempt,
      )
      .map(({ atMs, status, attempt, persistedLength }): [number, string] => [
        atMs,
        `stored: ${status}, attempt ${attempt}, ${persistedLength} units`,
      ]),
  ];
  if (stopAskedAtMs !== null) events.push([stopAskedAtMs, "stop asked for"]);
  if (endedAtMs !== null) events.push([endedAtMs, "the run has ended"]);
  events.push([quietSinceMs, "quiet from here"]);
  events.sort(([a], [b]) => a - b);
  const start = events[0]?.[0] ?? 0;
  return [
    ...events.map(([atMs, what]) => `${((atMs - start) / 1_000).toFixed(3).padStart(8)} ${what}`),
    ...posts.map(
      ({ httpStatus, attempt, liveLength, last }) =>
        `POST: ${httpStatus}, attempt ${attempt}, ${liveLength} units, ${last}`,
    ),
    `final: ${JSON.stringify(final && { ...final, bodyText: final.bodyText.slice(-80), storedText: final.storedText?.slice(-80) })}`,
  ];
}

/** Changes of status, and text that did not merely grow. */
function notable(name: string, samples: Evidence["clients"][number]["samples"]): [number, string][] {
  return samples.flatMap(({ atMs, text, status, attempt, role }, index): [number, string][] => {
    const before = samples[index - 1];
    const isSame =
      before !== undefined && before.status === status && before.attempt === attempt && before.role === role;
    const grows = text.startsWith(before?.text ?? "");
    const isLast = index === samples.length - 1;
    if (isSame && grows && !isLast) return [];
    return [
      [
        atMs,
        `${name} (${role}) shows ${status}, attempt ${attempt}, ${text.length} units${grows ? "" : ", other text than before"}`,
      ],
    ];
  });
}
