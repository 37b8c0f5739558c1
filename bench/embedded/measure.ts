/** One measurement on a fresh deployment: `node bench/embedded/measure.ts <name>` prints its figures as its last line. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushFunctions, startEmbedded } from "../../tests/support/embeddedDeployment.ts";
import {
  fanOut,
  httpHead,
  latency,
  runAway,
  throughput,
  type Figures,
  type Measured,
} from "./measurements.ts";

const measurements: Record<string, (measured: Measured) => Promise<Figures>> = {
  "latency, 0 subscriptions": (measured) => latency(measured, 0),
  "latency, 1,000 subscriptions": (measured) => latency(measured, 1_000),
  "load of 32 clients, 0 subscriptions": (measured) => throughput(measured, 0),
  "load of 32 clients, 1,000 subscriptions": (measured) => throughput(measured, 1_000),
  "fan-out to 200 clients": (measured) => fanOut(measured, 200),
  "HTTP action": httpHead,
  "a function that never ends": runAway,
};

/** Processor time of the process and all its threads so far. */
function cpuMs(pid: number): number {
  // Fields behind the name, which may hold anything: utime and stime are the 14th and 15th, in ticks of 10 ms.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function main(name: string): Promise<void> {
  const measure = measurements[name];
  if (measure === undefined)
    throw new Error(`There is no measurement ${name}: ${Object.keys(measurements).join("; ")}`);
  const dataFolder = await mkdtemp(join(tmpdir(), "bench-embedded-"));
  let running = await startEmbedded(dataFolder, 0, 0);
  try {
    await pushFunctions(running.ready, join(import.meta.dirname, "app"));
    await running.end("SIGTERM");
    const startedAt = performance.now();
    running = await startEmbedded(dataFolder, 0, 0);
    const startMs = performance.now() - startedAt;
    const { pid } = running;
    const figures = await measure({ deployment: running.ready, residentKb: () => residentKb(pid) });
    const common = { "start-up": startMs, "processor time of the deployment": cpuMs(pid) };
    process.stdout.write(`${JSON.stringify({ ...figures, ...common })}\n`);
  } finally {
    await running.end("SIGTERM");
    await rm(dataFolder, { recursive: true, force: true });
  }
}

await main(process.argv[2] ?? "");
