/** The fixture `convexAuth`: the functions that Convex Auth adds to an app, and the keys it wants in the environment. */
import { makeFunctionReference as reference } from "convex/server";
import { exportJWK, exportPKCS8, generateKeyPair } from "jose";
import type { DeploymentAddress } from "./convexCli.ts";
import type { FixtureApp } from "./notesApp.ts";

export interface Tokens {
  token: string;
  refreshToken: string;
}

export interface Person {
  userId: string;
  sessionId: string;
  email: string | null;
  isAnonymous: boolean;
}

interface SignInArgs extends Record<string, unknown> {
  provider?: string;
  params?: Record<string, string>;
  refreshToken?: string;
}

export const auth = {
  signIn: reference<"action", SignInArgs, { tokens?: Tokens | null }>("auth:signIn"),
  signOut: reference<"action", Record<string, never>, null>("auth:signOut"),
  isAuthenticated: reference<"query", Record<string, never>, boolean>("auth:isAuthenticated"),
  me: reference<"query", Record<string, never>, Person | null>("people:me"),
};

/** As the package's own set-up does: a key pair for its tokens, and the page it serves, each by `convex env set`. */
export async function setUpConvexAuth(app: FixtureApp, deployment: DeploymentAddress): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const variables = {
    JWT_PRIVATE_KEY: (await exportPKCS8(privateKey)).trimEnd().replaceAll("\n", " "),
    JWKS: JSON.stringify({ keys: [{ use: "sig", ...(await exportJWK(publicKey)) }] }),
    SITE_URL: "http://localhost:5173",
  };
  for (const [name, value] of Object.entries(variables)) {
    // One argument: a key begins with a dash.
    const { exitCode, stdout, stderr } = await app.convex(deployment, "env", "set", `${name}=${value}`);
    if (exitCode !== 0) throw new Error(`env set ${name} failed:\n${stdout}\n${stderr}`);
  }
}
