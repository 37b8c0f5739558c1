/** Sets environment variables of a deployment through the endpoint that `convex env set` uses. */
import type { EmbeddedAddress } from "./services.ts";

/** null removes a variable. @throws Error with the deployment's own sentence when it refuses. */
export async function setDeploymentEnvironment(
  address: EmbeddedAddress,
  environment: Record<string, string | null>,
): Promise<void> {
  const changes = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const response = await fetch(`${address.url}/api/update_environment_variables`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Convex ${address.adminKey}` },
    body: JSON.stringify({ changes }),
  });
  if (!response.ok) {
    throw new Error(
      `The deployment refused its environment variables (${response.status}): ${await response.text()}`,
    );
  }
}
