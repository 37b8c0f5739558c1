/**
 * Changes of environment variables, in the engine thread. The auth config may be made of them: it is evaluated anew, and
 * a change that would leave it invalid is refused, as on Convex. Variables and providers change in one transaction.
 */
import { randomUUID } from "node:crypto";
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { DeployedCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Engine } from "../protocol/engine.ts";
import { authConfigPath } from "./analyze.ts";
import { invalidAuthConfig } from "./evaluateAuthConfig.ts";
import { runAnalysis } from "./runAnalysis.ts";

type Variables = Readonly<Record<string, string>>;
export type VariableChanges = Readonly<Record<string, string | null>>;

/** Convex's own limits. */
const maxVariables = 512;
const maxTotalBytes = 512 * 1024;

export class EnvironmentChanges {
  readonly #engine: Engine;
  readonly #builtIn: Variables;
  #last: Promise<void> = Promise.resolve();

  /** Built-in variables are seen by the auth config, and cannot be set. */
  constructor(engine: Engine, builtIn: Variables) {
    this.#engine = engine;
    this.#builtIn = builtIn;
  }

  /** One after another. Rejects with a DeploymentError that says which rule of Convex's the change breaks. */
  async apply(changes: VariableChanges): Promise<void> {
    const applied = this.#last.then(() => this.#apply(changes));
    this.#last = applied.catch(() => undefined); // told to its own caller
    await applied;
  }

  async #apply(changes: VariableChanges): Promise<void> {
    for (;;) {
      const code = this.#engine.code();
      refuseBuiltIn(changes, this.#builtIn);
      refuseRemoved(changes, code?.requiredVariables ?? []);
      const variables = changed(this.#engine.environmentVariables(), changes);
      refuseTooMany(variables);
      const providers = await this.#providersWith(variables, code);
      // A push was finished meanwhile: what was evaluated is not what runs.
      if (this.#engine.code() !== code) continue;
      await this.#engine.setEnvironmentVariables(changes, providers);
      return;
    }
  }

  /** null when there is no auth config. */
  async #providersWith(variables: Variables, code: DeployedCode | null): Promise<AuthProvider[] | null> {
    const authConfig = code?.components[""]?.modules[authConfigPath];
    if (authConfig === undefined) return null;
    const modules = { changed: [], unchanged: [authConfig] };
    try {
      const { authProviders } = await runAnalysis({
        env: { ...this.#builtIn, ...variables },
        nowMs: Date.now(),
        randomSeed: randomUUID(),
        definitions: [{ path: "", definition: null, dependencies: [], schema: null, modules }],
      });
      return authProviders;
    } catch (error) {
      if (!(error instanceof DeploymentError) || error.code !== "InvalidAuthConfig") throw error;
      const reason = error.message.replace(
        invalidAuthConfig,
        "This change would make the auth config invalid",
      );
      throw new DeploymentError("InvalidAuthConfig", reason, { cause: error });
    }
  }
}

function changed(before: Variables, changes: VariableChanges): Variables {
  const merged = Object.entries({ ...before, ...changes });
  return Object.fromEntries(merged.filter((entry): entry is [string, string] => entry[1] !== null));
}

function refuseBuiltIn(changes: VariableChanges, builtIn: Variables): void {
  const name = Object.keys(changes).find((name) => Object.hasOwn(builtIn, name) && changes[name] !== null);
  if (name === undefined) return;
  throw new DeploymentError(
    "EnvVarNameForbidden",
    `Environment variable with name "${name}" is built-in and cannot be overridden`,
  );
}

function refuseRemoved(changes: VariableChanges, required: readonly string[]): void {
  const removed = required.filter((name) => changes[name] === null);
  if (removed.length === 0) return;
  throw new DeploymentError(
    "RequiredEnvironmentVariable",
    `Cannot delete required environment variables: ${removed.join(", ")}. These are declared as required in the app definition.`,
  );
}

function refuseTooMany(variables: Variables): void {
  const all = Object.entries(variables);
  if (all.length > maxVariables) {
    throw new DeploymentError(
      "EnvVarLimitMet",
      `The environment variable limit (${maxVariables}) has been met.`,
    );
  }
  const bytes = all.reduce((sum, entry) => sum + Buffer.byteLength(entry.join("")), 0);
  if (bytes > maxTotalBytes) {
    throw new DeploymentError(
      "EnvVarTotalSizeLimitMet",
      `The total size of all environment variables (${bytes} bytes) exceeds the limit (${maxTotalBytes} bytes).`,
    );
  }
}
