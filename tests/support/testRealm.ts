/** Realms with a host that answers what the test says. */
import { Realm, type RealmEnvironment, type RealmHost } from "../../embedded/runner/realm.ts";
import type { RunnableModules } from "../../embedded/runner/runnableModule.ts";
import type { StepOutcome } from "../../embedded/protocol/realm.ts";
import { bundleModules } from "./pushedApp.ts";

const silentHost: RealmHost = {
  syscall: (op) => {
    throw new Error(`no ${op} here`);
  },
  asyncSyscall: (op) => {
    throw new Error(`no ${op} here`);
  },
  jsSyscall: () => undefined,
};

export interface TestRealmOptions {
  environment?: RealmEnvironment;
  host?: Partial<RealmHost>;
  env?: Record<string, string>;
  seed?: string;
  log?: string[];
  timeLimitMs?: number;
}

export function testRealm(modules: RunnableModules, options: TestRealmOptions = {}): Realm {
  return new Realm(modules, {
    environment: options.environment ?? "query",
    host: { ...silentHost, ...options.host },
    env: options.env ?? {},
    log: (level, text) => options.log?.push(`[${level}] ${text}`),
    nowMs: Date.UTC(2026, 0, 2),
    randomSeed: options.seed ?? "seed",
    timeLimitMs: options.timeLimitMs ?? 1_000,
  });
}

export const analysisRealm = (modules: RunnableModules): Realm =>
  testRealm(modules, { environment: "analysis" });

/** Runs `body`, the body of a query handler with `ctx` and `args`, in a realm of its own. */
export async function runQuery(
  body: string,
  options: TestRealmOptions & { args?: unknown } = {},
): Promise<StepOutcome> {
  const modules = await bundleModules({
    "m.ts": `import { queryGeneric as query } from "convex/server"; export const q = query({ handler: async (ctx: any, args: any) => { ${body} } });`,
  });
  const realm = testRealm(modules, options);
  const outcome = realm.runStep("m.js", "q", "invokeQuery", JSON.stringify([options.args ?? {}]));
  realm.dispose();
  return outcome;
}

/** What the handler returned, or its error's message. */
export async function queryValue(
  body: string,
  options: TestRealmOptions & { args?: unknown } = {},
): Promise<unknown> {
  const outcome = await runQuery(body, options);
  if (outcome.status === "returned") return JSON.parse(outcome.valueJson);
  return outcome.status === "threw" ? outcome.message : outcome.status;
}
