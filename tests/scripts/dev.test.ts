/** `npm run dev` as a process: what it prints, what it serves, and that nothing is left of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { copyRepository, type RepositoryCopy } from "../support/repositoryCopy.ts";

const portVariables = ["DUET_APP_PORT", "DUET_DEPLOYMENT_PORT", "DUET_SITE_PORT", "DUET_DEMO_PORT"] as const;

/** The CLI writes .env.local, and Vite watches it: neither may happen in a working copy somebody develops in. */
let copy: RepositoryCopy;
let dataFolder: string;
let started: ChildProcess[] = [];
let listeners: Server[] = [];

beforeAll(async () => {
  copy = await copyRepository();
});
afterAll(() => copy.remove());

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "duet-dev-"));
});

afterEach(async () => {
  for (const child of started.filter((one) => one.exitCode === null && one.signalCode === null)) {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
  for (const listener of listeners) listener.close();
  started = [];
  listeners = [];
  await rm(dataFolder, { recursive: true, force: true });
});

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** After a SIGKILL the rest ends by itself, some moments later. */
async function listenOnceFree(port: number): Promise<Server> {
  for (;;) {
    try {
      return await listen(port);
    } catch {
      await setImmediate(); // not free yet
    }
  }
}

/** Ports that were free a moment ago, by the variable that chooses each. */
async function freePorts(): Promise<Record<(typeof portVariables)[number], string>> {
  const probes = await Promise.all(portVariables.map(() => listen(0)));
  const ports = probes.map((probe) => String((probe.address() as AddressInfo).port));
  await Promise.all(probes.map((probe) => once(probe.close(), "close")));
  return Object.fromEntries(portVariables.map((name, index) => [name, ports[index]])) as never;
}

function runDev(variables: Record<string, string>): {
  child: ChildProcess;
  said: (text: string) => Promise<string>;
} {
  const child = spawn(process.execPath, ["scripts/dev.ts"], {
    cwd: copy.folder,
    stdio: ["ignore", "pipe", "pipe"],
    // Empty variables win over a developer's .env.local, so that the test always uses the embedded deployment.
    env: {
      ...process.env,
      CONVEX_DEPLOYMENT: "",
      CONVEX_SELF_HOSTED_URL: "",
      OPENAI_API_KEY: "",
      ANTHROPIC_API_KEY: "",
      OPENAI_COMPATIBLE_BASE_URL: "",
      ALLOWED_ORIGINS: "",
      DUET_DATA_FOLDER: dataFolder,
      ...variables,
    },
  });
  started.push(child);
  let output = "";
  const waiting: { text: string; resolve: (output: string) => void }[] = [];
  function settle(): void {
    for (const { text, resolve } of waiting) if (output.includes(text)) resolve(output);
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      output += part;
      settle();
    });
  }
  const said = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      waiting.push({ text, resolve });
      settle();
      child.once("exit", () =>
        queueMicrotask(() => reject(new Error(`ended without saying "${text}":\n${output}`))),
      );
    });
  return { child, said };
}

/** Settles when something answers there, whatever it says. */
async function answers(url: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(url)).arrayBuffer();
      return;
    } catch {
      await setImmediate(); // nobody listens yet
    }
  }
}

test("it ends with one URL that serves the app, and after an interrupt every port is free again", async () => {
  const ports = await freePorts();
  const { child, said } = runDev(ports);
  const banner = await said("Ctrl-C ends all of it.");
  expect(banner).toContain(`Duet is ready:  http://127.0.0.1:${ports.DUET_APP_PORT}/`);
  expect(banner).toContain("demo (simulated");
  const page = await fetch(`http://127.0.0.1:${ports.DUET_APP_PORT}/`);
  expect(await page.text()).toContain("<title>Duet");
  expect((await fetch(`http://127.0.0.1:${ports.DUET_DEPLOYMENT_PORT}/version`)).status).toBe(200);

  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  for (const name of portVariables) listeners.push(await listen(Number(ports[name])));
});

test("an interrupt while it starts leaves nothing behind either", async () => {
  const ports = await freePorts();
  const { child } = runDev(ports);
  const exit = once(child, "exit");
  await answers(`http://127.0.0.1:${ports.DUET_DEMO_PORT}/v1/models`);
  child.kill("SIGINT");
  expect((await exit)[0]).toBe(0);
  for (const name of portVariables) listeners.push(await listen(Number(ports[name])));
});

test("a taken port is one plain sentence with the variable that changes it", async () => {
  const ports = await freePorts();
  listeners.push(await listen(Number(ports.DUET_SITE_PORT)));
  const { child, said } = runDev(ports);
  const exit = once(child, "exit");
  const output = await said("is taken");
  expect(output).toContain(
    `Port ${ports.DUET_SITE_PORT}, meant for the deployment's HTTP actions, is taken.`,
  );
  expect(output).toContain("DUET_SITE_PORT=");
  expect(output).not.toContain("    at ");
  expect((await exit)[0]).toBe(1);
});

test("when one part dies, the rest ends with it and says which", async () => {
  const ports = await freePorts();
  const { child, said } = runDev(ports);
  await said("Ctrl-C ends all of it.");
  const exit = once(child, "exit");
  const pid = Number(await readFile(join(dataFolder, "lock-holder"), "utf8"));
  process.kill(pid, "SIGKILL");
  await said("convex ended (killed by SIGKILL); what it said last stands above");
  expect((await exit)[0]).toBe(1);
  for (const name of portVariables) listeners.push(await listen(Number(ports[name])));
});

test.each([
  [
    "its reader goes away, as with a pipe into head",
    (child: ChildProcess) => child.stdout?.destroy(),
    "SIGINT",
  ],
  ["it is killed without warning", () => undefined, "SIGKILL"],
] as const)("nothing is left behind when %s", async (_how, prepare, signal) => {
  const ports = await freePorts();
  const { child, said } = runDev(ports);
  await said("Ctrl-C ends all of it.");
  const exit = once(child, "exit");
  prepare(child);
  child.kill(signal);
  await exit;
  for (const name of portVariables) listeners.push(await listenOnceFree(Number(ports[name])));
  expect(listeners).toHaveLength(portVariables.length);
});
