/** `defineApp({ env })` names variables the deployment must have: a push without them is refused, as on Convex. */
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalysisOutput } from "./analysisMessages.ts";

/** Throws MissingEnvironmentVariables in the words the CLI takes the names from. */
export function refuseMissingVariables({ definitions }: AnalysisOutput, env: Record<string, string>): void {
  const missing = (definitions[""]?.metadata.envVars ?? [])
    .filter(([name, { optional }]) => optional !== true && !(name in env))
    .map(([name]) => name);
  if (missing.length === 0) return;
  throw new DeploymentError(
    "MissingEnvironmentVariables",
    `Environment variables declared as required are not set: ${missing.join(", ")}. Set them and push again.`,
  );
}
