/** One run of one variant: `node bench/replyCost.ts duet|readme` prints a `ReplyCost` as its last line. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModelServer } from "../demo/modelServer.ts";
import type { FunctionUsage } from "../embedded/protocol/calls.ts";
import { setDeploymentEnvironment } from "../scripts/deploymentVariables.ts";
import { pushFunctions, startEmbedded, type EmbeddedReady } from "../tests/support/embeddedDeployment.ts";
import { duetVariant } from "./duetVariant.ts";
import { readmeVariant } from "./readmeVariant.ts";

export interface ReplyCost {
  postToFirstTokenMs: number;
  sendToFirstTokenMs: number;
  lastTokenToEndMs: number;
  spectatorTexts: number;
  functionsCalled: number;
  documentsRead: number;
  bytesRead: number;
  documentsWritten: number;
  bytesSent: number;
}

export interface Spectator {
  /** Resolves when the spectator has seen the end of the reply. */
  finished: Promise<void>;
  /** Different texts seen so far. */
  texts(): number;
  close(): Promise<void>;
}

export interface Variant {
  /** Folder whose `convex/` is pushed; absent: the repository's own. */
  appFolder?: string;
  send(deployment: EmbeddedReady, prompt: string): Promise<{ streamId: string }>;
  watch(deployment: EmbeddedReady, streamId: string): Spectator;
}

const prompt = "Tell me about rivers.\n[demo tokens=2000 rate=100 text=plain]";

async function usage({ url, adminKey }: EmbeddedReady): Promise<FunctionUsage[]> {
  const response = await fetch(`${url}/api/usage`, { headers: { authorization: `Convex ${adminKey}` } });
  if (!response.ok) throw new Error(`GET /api/usage answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as FunctionUsage[];
}

function sum(rows: readonly FunctionUsage[], field: keyof FunctionUsage): number {
  return rows.reduce((total, row) => total + Number(row[field]), 0);
}

/** POSTs as a driver does and reads the body to its end. Times are of `performance.now()`. */
async function drive(
  siteUrl: string,
  streamId: string,
): Promise<{ first: number; last: number; end: number }> {
  const response = await fetch(`${siteUrl}/chat-stream`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ streamId, prompt }),
  });
  if (!response.ok || response.body === null) throw new Error(`/chat-stream answered ${response.status}`);
  let first = 0;
  let last = 0;
  for await (const chunk of response.body) {
    if (chunk.byteLength === 0) continue;
    last = performance.now();
    first ||= last;
  }
  return { first, last, end: performance.now() };
}

async function measureReply(variant: Variant, deployment: EmbeddedReady): Promise<ReplyCost> {
  const before = await usage(deployment);
  const sentAt = performance.now();
  const { streamId } = await variant.send(deployment, prompt);
  const spectator = variant.watch(deployment, streamId);
  const postedAt = performance.now();
  const { first, last, end } = await drive(deployment.siteUrl, streamId);
  await spectator.finished;
  const after = await usage(deployment);
  await spectator.close();
  const spent = (field: keyof FunctionUsage) => sum(after, field) - sum(before, field);
  return {
    postToFirstTokenMs: first - postedAt,
    sendToFirstTokenMs: first - sentAt,
    lastTokenToEndMs: end - last,
    spectatorTexts: spectator.texts(),
    functionsCalled: spent("calls"),
    documentsRead: spent("documentsRead"),
    bytesRead: spent("bytesRead"),
    documentsWritten: spent("documentsWritten"),
    bytesSent: spent("bytesSent"),
  };
}

async function main(): Promise<void> {
  const variant = process.argv[2] === "readme" ? readmeVariant : duetVariant;
  const dataFolder = await mkdtemp(join(tmpdir(), "duet-bench-"));
  const demo = await startModelServer();
  const deployment = await startEmbedded(dataFolder, 0, 0);
  try {
    await setDeploymentEnvironment(deployment.ready, { DEMO_BASE_URL: demo.url });
    await pushFunctions(deployment.ready, variant.appFolder);
    process.stdout.write(`${JSON.stringify(await measureReply(variant, deployment.ready))}\n`);
  } finally {
    await deployment.end("SIGTERM");
    await demo.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}

await main();
