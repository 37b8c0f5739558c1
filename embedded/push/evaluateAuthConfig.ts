/** `auth.config.ts`: its providers. As on Convex, naming a variable that is not set is an error, whatever is done with it. */
import { parseAuthProviders } from "../auth/parseAuthProviders.ts";
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { ModuleCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { compileModules } from "../runner/compileModules.ts";
import { EvaluationRealm, type EvaluationClock } from "./evaluationRealm.ts";

const strictEnvironmentPath = "_strictEnvironment.js";
const strictEnvironment = `
  process.env = new Proxy(process.env, {
    get(variables, name) {
      if (typeof name === "symbol" || name in variables) return variables[name];
      throw new Error("Environment variable " + name + " is used in auth config file but its value was not set");
    },
  });
  export {};
`;

/** How a refusal begins. The rest says why. */
export const invalidAuthConfig = "The pushed auth config is invalid";

/** Rejects with AuthConfigMissingEnvironmentVariable in the words the CLI looks for, or with InvalidAuthConfig. */
export async function evaluateAuthConfig(
  module: ModuleCode,
  env: Record<string, string>,
  clock: EvaluationClock,
): Promise<AuthProvider[]> {
  const source = { path: strictEnvironmentPath, source: strictEnvironment, environment: "isolate" };
  const [strict] = await compileModules([source]);
  if (strict === undefined) throw new Error("nothing was compiled");
  const realm = new EvaluationRealm({ [module.path]: module, [strict.path]: strict }, env, clock);
  try {
    const encoded = realm.evaluate("evaluate auth.config.ts", (load) => {
      load(strict.path);
      return JSON.stringify(load(module.path)["default"] ?? null);
    });
    return parseAuthProviders(JSON.parse(encoded));
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const missing = /Environment variable \S+ is used in auth config file but its value was not set/.exec(
      message,
    );
    if (missing !== null) {
      throw new DeploymentError("AuthConfigMissingEnvironmentVariable", missing[0], { cause });
    }
    throw new DeploymentError("InvalidAuthConfig", `${invalidAuthConfig}: ${message}`, { cause });
  }
}
