/** Where the deployment is, from the environment Vite was started with. */

export type Deployment =
  | { status: "configured"; convexUrl: string; chatStreamUrl: string }
  | { status: "missing"; variables: string[] };

interface DeploymentVariables {
  VITE_CONVEX_URL?: string | undefined;
  VITE_CONVEX_SITE_URL?: string | undefined;
}

/** Reads both addresses, or names the variables that are not set. */
function readDeployment(environment: DeploymentVariables): Deployment {
  const { VITE_CONVEX_URL: convexUrl, VITE_CONVEX_SITE_URL: siteUrl } = environment;
  if (convexUrl && siteUrl) {
    return { status: "configured", convexUrl, chatStreamUrl: `${siteUrl.replace(/\/+$/, "")}/chat-stream` };
  }
  const variables: string[] = [];
  if (!convexUrl) variables.push("VITE_CONVEX_URL");
  if (!siteUrl) variables.push("VITE_CONVEX_SITE_URL");
  return { status: "missing", variables };
}

export const deployment = readDeployment(import.meta.env as DeploymentVariables);

/** The address that drives replies. Callers run below a page that is shown only for a configured deployment. */
export function chatStreamUrl(): string {
  return deployment.status === "configured"
    ? deployment.chatStreamUrl
    : new URL("/chat-stream", location.href).href;
}
