/** `auth.config.ts`: its providers, and the variable it wants when one is not set. */
import type { ModuleCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { EvaluationRealm, type EvaluationClock } from "./evaluationRealm.ts";

/** Throws AuthConfigMissingEnvironmentVariable with the words the CLI looks for. */
export function evaluateAuthConfig(
  module: ModuleCode,
  env: Record<string, string>,
  clock: EvaluationClock,
): unknown[] {
  const realm = new EvaluationRealm({ [module.path]: module }, env, clock);
  const encoded = realm.evaluate("evaluate auth.config.ts", (load) => {
    const { default: config } = load(module.path) as { default?: { providers?: unknown } };
    return JSON.stringify(config?.providers ?? null);
  });
  const providers: unknown = JSON.parse(encoded);
  if (!Array.isArray(providers)) {
    throw new DeploymentError(
      "InvalidModules",
      "auth.config.ts must export default an object with an array of providers.",
    );
  }
  for (const provider of providers) checkProvider(provider as Record<string, unknown>, module.source, env);
  return providers;
}

/** A provider made from a variable that is not set lacks the field that names it. */
function checkProvider(provider: Record<string, unknown>, source: string, env: Record<string, string>): void {
  const required =
    provider["type"] === "customJwt" ? ["issuer", "jwks", "algorithm"] : ["domain", "applicationID"];
  const missing = required.filter((field) => typeof provider[field] !== "string");
  if (missing.length === 0) return;
  const unset = [...source.matchAll(/process\.env\.([A-Za-z_][A-Za-z0-9_]*)/g)].find(
    ([, name = ""]) => !(name in env),
  );
  if (unset !== undefined) {
    throw new DeploymentError(
      "AuthConfigMissingEnvironmentVariable",
      `Environment variable ${unset[1]} is used in auth config file but its value was not set`,
    );
  }
  throw new DeploymentError("InvalidModules", `A provider in auth.config.ts lacks ${missing.join(" and ")}.`);
}
