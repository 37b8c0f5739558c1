/** Queries in kept realms, as an engine runs them: call after call, with what the pool says of them. */
import type { StepOutcome } from "../../embedded/protocol/realm.ts";
import type { RealmHost } from "../../embedded/runner/realm.ts";
import type { RunnableModules } from "../../embedded/runner/runnableModule.ts";
import { RunPlan } from "../../embedded/runner/runPlan.ts";
import { StepRealms } from "../../embedded/runner/stepRealms.ts";
import { bundleModules, type AppFiles } from "./pushedApp.ts";

export interface StepCalls {
  /** What the handler returned, or the error's message, or how the step ended. */
  call: (name: string, args?: unknown) => unknown;
  outcome: (name: string, args?: unknown) => StepOutcome;
  /** What the pool said. */
  log: string[];
  /** What functions logged. */
  logLines: string[];
  /** How often a function was run, reruns included. */
  attempts: () => number;
}

const nothing = (): string => "null";

/** `files`: modules of handlers: `export const name = (ctx, args) => …` bodies are written with `handler`. */
export async function stepCalls(
  files: AppFiles,
  host: Partial<RealmHost> = {},
  limits: { firstWallMs?: number; longestWallMs?: number } = {},
): Promise<StepCalls> {
  const modules: RunnableModules = await bundleModules(files);
  const log: string[] = [];
  const logLines: string[] = [];
  const realms = new StepRealms((line) => log.push(line));
  let attempts = 0;
  const outcome = (name: string, args: unknown = {}): StepOutcome => {
    const [path = "", exportName = ""] = name.split(":");
    const plan = new RunPlan(limits.firstWallMs ?? 1_000, limits.longestWallMs ?? 1_000);
    return plan.run(() => {
      attempts++;
      return realms.run(
        modules,
        {
          environment: "query",
          host: { syscall: nothing, asyncSyscall: nothing, jsSyscall: () => undefined, ...host },
          env: { KIND: "test" },
          log: (level, text) => logLines.push(`[${level}] ${text}`),
          nowMs: Date.UTC(2026, 0, 2),
          randomSeed: "seed",
          timeLimitMs: plan.wallLimitMs,
        },
        { path: `${path}.js`, exportName, method: "invokeQuery", argsJson: JSON.stringify([args]) },
        plan,
      );
    });
  };
  const call = (name: string, args?: unknown): unknown => {
    const ended = outcome(name, args);
    if (ended.status === "returned") return JSON.parse(ended.valueJson);
    return ended.status === "threw" ? ended.message : ended.status;
  };
  return { call, outcome, log, logLines, attempts: () => attempts };
}

/** A module with one query for each body, named as its key. */
export function queries(bodies: Record<string, string>, before = ""): string {
  const declared = Object.entries(bodies).map(
    ([name, body]) =>
      `export const ${name} = query({ handler: async (ctx: any, args: any) => { ${body} } });`,
  );
  return `// @ts-nocheck\nimport { queryGeneric as query } from "convex/server";\n${before}\n${declared.join("\n")}`;
}
