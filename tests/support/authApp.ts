/** A deployment with an app that tells who asks, pushed for the auth providers a test wants. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFunctionReference as reference } from "convex/server";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import type { FunctionUsage } from "../../embedded/protocol/calls.ts";
import { handPusher, type HandPusher, type PushAnswer } from "./handMadePush.ts";
import { bundleModules } from "./pushedApp.ts";

export type Attributes = Record<string, unknown>;

export const who = {
  amI: reference<"query", Record<string, never>, Attributes | null>("who:amI"),
  nobody: reference<"query", Record<string, never>, string>("who:nobody"),
  remember: reference<"mutation", Record<string, never>, Attributes | null>("who:remember"),
  viaAction: reference<"action", Record<string, never>, (Attributes | null)[]>("who:viaAction"),
  token: reference<"action", Record<string, never>, (string | null)[]>("who:token"),
  later: reference<"mutation", Record<string, never>, null>("who:later"),
  seenLater: reference<"query", Record<string, never>, (Attributes | null)[]>("who:seenLater"),
  secret: reference<"query", Record<string, never>, string>("who:secret"),
};

const whoModule = `
  import { actionGeneric, anyApi as api, internalMutationGeneric, internalQueryGeneric, mutationGeneric, queryGeneric } from "convex/server";
  export const amI = queryGeneric(async (ctx) => await ctx.auth.getUserIdentity());
  export const nobody = queryGeneric(async () => "the same for everybody");
  export const remember = mutationGeneric(async (ctx) => await ctx.auth.getUserIdentity());
  export const viaAction = actionGeneric(async (ctx) => [
    await ctx.auth.getUserIdentity(),
    await ctx.runQuery(api.who.amI, {}),
    await ctx.runMutation(api.who.remember, {}),
  ]);
  export const tokenHere = mutationGeneric(async (ctx) => (await ctx.meta.getRequestMetadata()).authToken);
  export const token = actionGeneric(async (ctx) => [
    (await ctx.meta.getRequestMetadata()).authToken,
    await ctx.runMutation(api.who.tokenHere, {}),
  ]);
  export const later = mutationGeneric(async (ctx) => { await ctx.scheduler.runAfter(0, api.who.recordLater, {}); return null; });
  export const recordLater = internalMutationGeneric(async (ctx) => {
    await ctx.db.insert("seen", { identity: await ctx.auth.getUserIdentity() });
  });
  export const seenLater = queryGeneric(async (ctx) => (await ctx.db.query("seen").collect()).map(({ identity }) => identity));
  export const secret = internalQueryGeneric(async () => "secret");
`;

const httpModule = `
  import { anyApi as api, httpActionGeneric, httpRouter } from "convex/server";
  const http = httpRouter();
  http.route({ path: "/me", method: "GET", handler: httpActionGeneric(async (ctx) => {
    const query = await ctx.runQuery(api.who.amI, {});
    try {
      return Response.json({ identity: await ctx.auth.getUserIdentity(), query });
    } catch (error) {
      return Response.json({ error: error.message, query });
    }
  }) });
  http.route({ path: "/open", method: "GET", handler: httpActionGeneric(async () => new Response("open")) });
  export default http;
`;

export interface AuthApp {
  deployment: Deployment;
  pusher: HandPusher;
  /** @throws when the push is refused. */
  push: (authConfig: string) => Promise<void>;
  /** Up to the refusal. */
  startPush: (authConfig: string) => Promise<PushAnswer>;
  runsOf: (name: string) => Promise<number>;
  close: () => Promise<void>;
}

export async function startAuthApp(): Promise<AuthApp> {
  const folder = mkdtempSync(join(tmpdir(), "auth-app-"));
  const deployment = await startDeployment({
    dataDir: folder,
    port: 0,
    sitePort: 0,
    writeLog: () => undefined,
  });
  const pusher = handPusher(deployment);
  const startPush: AuthApp["startPush"] = async (authConfig) =>
    pusher.start({ modules: await modulesOf(authConfig) });
  return {
    deployment,
    pusher,
    startPush,
    async push(authConfig) {
      const finished = await pusher.finish(await startPush(authConfig));
      if (finished.status !== 200) throw new Error(JSON.stringify(finished.body));
    },
    async runsOf(name) {
      const headers = { Authorization: `Convex ${deployment.adminKey}` };
      const usage = (await (
        await fetch(`${deployment.url}/api/usage`, { headers })
      ).json()) as FunctionUsage[];
      return usage.find((one) => one.name === name)?.calls ?? 0;
    },
    async close() {
      await deployment.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function modulesOf(authConfig: string): Promise<Record<string, string>> {
  const bundled = await bundleModules({ "who.ts": whoModule, "http.ts": httpModule });
  const sources = Object.values(bundled).map(({ path, source }) => [path, source] as const);
  return { ...Object.fromEntries(sources), "auth.config.js": authConfig };
}
