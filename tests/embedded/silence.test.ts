/** What a deployment does about an engine thread that does not answer. Its clock is the test's, all else is real. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import { startDeployment, type Deployment } from "../../embedded/deployment.ts";
import { functions } from "../support/engineFixture.ts";
import { handPusher } from "../support/handMadePush.ts";
import { bundleModules } from "../support/pushedApp.ts";

const spin = reference<"query", Record<string, never>, null>("m:spin");
const one = reference<"query", Record<string, never>, number>("m:one");

interface Watched {
  deployment: Deployment;
  logged: string[];
  /** So long passes, and the watchdog looks. */
  pass: (ms: number) => void;
}

async function start(): Promise<Watched> {
  const dataDir = mkdtempSync(join(tmpdir(), "silence-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  let nowMs = 0;
  let look: () => void = () => undefined;
  const logged: string[] = [];
  const deployment = await startDeployment({
    dataDir,
    port: 0,
    sitePort: 0,
    writeLog: (line) => logged.push(line),
    watchdogTimers: {
      nowMs: () => nowMs,
      every: (_intervalMs, tick) => {
        look = tick;
        return () => undefined;
      },
    },
  });
  onTestFinished(() => deployment.close());
  const modules = await bundleModules({
    "m.ts": functions(`
      export const one = query(async () => 1);
      export const spin = query(async () => { for (;;); });
    `),
  });
  const pusher = handPusher(deployment);
  const sources = Object.values(modules).map(({ path, source }) => [path, source] as const);
  await pusher.finish(await pusher.start({ modules: Object.fromEntries(sources) }));
  const pass = (ms: number): void => {
    nowMs += ms;
    look();
  };
  return { deployment, logged, pass };
}

test("while the engine thread does not answer the health endpoint says so, and then that all is well", async () => {
  const { deployment, logged, pass } = await start();
  const health = async (): Promise<[number, string]> => {
    const response = await fetch(`${deployment.url}/health`);
    return [response.status, await response.text()];
  };
  const state = { isOver: false };
  const client = new ConvexHttpClient(deployment.url, { logger: false });
  const busy = (async () => {
    while (!state.isOver) await client.query(spin, {}).catch(() => undefined);
  })();
  const seenAs = async (status: number): Promise<string> => {
    for (;;) {
      pass(6_000);
      const [seen, text] = await health();
      if (seen === status) return text;
    }
  };
  expect(await seenAs(503)).toContain("silent");
  state.isOver = true;
  await busy;
  expect(await seenAs(200)).toContain("ok");
  expect(logged.join("\n")).toContain("The engine thread has not answered for");
});

test("an engine thread that stays silent is replaced, and the deployment goes on", async () => {
  const { deployment, logged, pass } = await start();
  // In one go: the thread, which is well, has no time to answer.
  for (let second = 0; second < 302; second += 1) pass(1_000);
  const client = new ConvexHttpClient(deployment.url, { logger: false });
  await expect.poll(() => client.query(one, {}).catch(() => 0)).toBe(1);
  expect(logged.join("\n")).toContain("has not answered for minutes, so that it is started anew");
});
