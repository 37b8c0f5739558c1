/** Whoever floods the deployment with slow calls, and by whatever way, holds up itself and nobody else for long. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient, type ConvexClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import { functions } from "../support/engineFixture.ts";
import { handPusher } from "../support/handMadePush.ts";
import { connectClient, watchQuery } from "../support/liveNotes.ts";
import { bundleModules } from "../support/pushedApp.ts";

/** Long enough for the others' calls to come in the middle of it, also where their threads wait for a core. */
const floodLength = 100;
/** Some thirty milliseconds of an idle machine. */
const busy = "for (let n = 0; n < 20_000_000; n++);";
const app = functions(`
  export const slow = mutation(async (ctx, { flood }) => { ${busy} await ctx.db.insert("done", { flood }); });
  export const slowQuery = query(async (ctx, { n }) => { ${busy} return n; });
  const countOf = async (ctx, flood) => (await ctx.db.query("done").collect()).filter((one) => one.flood === flood).length;
  export const done = query(async (ctx, { flood }) => await countOf(ctx, flood));
  export const quick = mutation(async (ctx, { flood }) => { await ctx.db.insert("quick", {}); return await countOf(ctx, flood); });
  export const flooding = action(async (ctx, args) => {
    await Promise.all(Array.from({ length: ${floodLength} }, () => ctx.runMutation(anyApi.m.slow, args)));
  });
  export const quickAction = action(async (ctx, args) => await ctx.runMutation(anyApi.m.quick, args));
  export const schedule = mutation(async (ctx, args) => {
    for (let n = 0; n < ${floodLength}; n++) await ctx.scheduler.runAfter(0, anyApi.m.slow, args);
  });
`);
type OfFlood = { flood: string };
/** Those that count tell how much of the flood has run. */
const api = {
  slow: reference<"mutation", OfFlood, null>("m:slow"),
  slowQuery: reference<"query", { n: number }, number>("m:slowQuery"),
  done: reference<"query", OfFlood, number>("m:done"),
  quick: reference<"mutation", OfFlood, number>("m:quick"),
  flooding: reference<"action", OfFlood, null>("m:flooding"),
  quickAction: reference<"action", OfFlood, number>("m:quickAction"),
  schedule: reference<"mutation", OfFlood, null>("m:schedule"),
};

let deployment: Deployment;

beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "fairness-"));
  deployment = await startDeployment({ dataDir, port: 0, sitePort: 0 });
  const modules = await bundleModules({ "m.ts": app });
  const pusher = handPusher(deployment);
  const sources = Object.values(modules).map(({ path, source }) => [path, source] as const);
  await pusher.finish(await pusher.start({ modules: Object.fromEntries(sources) }));
  return async () => {
    await deployment.close();
    rmSync(dataDir, { recursive: true });
  };
});

function connect(): ConvexClient {
  const client = connectClient(deployment.url);
  onTestFinished(() => client.close());
  return client;
}

const each = <Result>(call: () => Promise<Result>): Promise<unknown> =>
  Promise.all(Array.from({ length: floodLength }, call));

const floods: Record<string, (of: OfFlood) => Promise<unknown>> = {
  "HTTP calls": (of) =>
    each(() => new ConvexHttpClient(deployment.url, { logger: false }).mutation(api.slow, of)),
  "mutations of a socket": (of) => {
    const client = connect();
    return each(() => client.mutation(api.slow, of));
  },
  "mutations of an action": (of) => connect().action(api.flooding, of),
  "scheduled mutations": (of) => connect().mutation(api.schedule, of),
};

test.each(Object.keys(floods))("a flood of %s lets the mutations of others through", async (name) => {
  const bystander = connect();
  const of = { flood: name };
  const done = watchQuery(bystander, api.done, of);
  await done.reached((count) => count === 0);
  const flood = floods[name]!(of);
  await done.reached((count) => count > 0);
  const counts = await Promise.all([
    bystander.mutation(api.quick, of),
    bystander.mutation(api.quick, of),
    bystander.mutation(api.quick, of),
    bystander.action(api.quickAction, of),
  ]);
  expect(Math.max(...counts)).toBeLessThan(floodLength * 0.75);
  await flood;
  await done.reached((count) => count === floodLength);
});

test("the page of one is there long before the slow queries of another", async () => {
  const [crowd, page] = [connect(), connect()];
  let answered = 0;
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  const { promise: hasBegun, resolve: begun } = Promise.withResolvers<void>();
  for (let n = 0; n < floodLength; n += 1) {
    crowd.onUpdate(api.slowQuery, { n }, () => {
      answered += 1;
      if (answered === floodLength) resolve();
    });
  }
  const slow = new ConvexHttpClient(deployment.url, { logger: false });
  void slow.query(api.slowQuery, { n: -1 }).then(() => begun());
  await hasBegun;
  // All results of a session are told together, so that none of the crowd's are there.
  await watchQuery(page, api.done, { flood: "" }).reached(() => true);
  expect(answered).toBe(0);
  await isOver;
});
