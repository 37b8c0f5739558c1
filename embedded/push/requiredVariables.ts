/** `defineApp({ env })` names variables the deployment must have: a push without them is refused, as on Convex. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalysisOutput } from "./analysisMessages.ts";

export function requiredVariables({ definitions }: AnalysisOutput): string[] {
  return (definitions[""]?.metadata.envVars ?? [])
    .filter(([, { optional }]) => optional !== true)
    .map(([name]) => name);
}

/** Throws MissingEnvironmentVariables in the words the CLI takes the names from. */
export function refuseMissingVariables(output: AnalysisOutput, env: Record<string, string>): void {
  const missing = requiredVariables(output).filter((name) => !Object.hasOwn(env, name));
  if (missing.length === 0) return;
  throw new DeploymentError(
    "MissingEnvironmentVariables",
    `Environment variables declared as required are not set: ${missing.join(", ")}. Set them and push again.`,
  );
}
