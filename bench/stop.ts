/**
 * `npm run bench:stop`: how long from a person's Stop until the model's connection is closed, in a real browser on the
 * embedded deployment. Each Stop is a fresh process with a fresh stack; the variants alternate.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildApp } from "../tests/support/builtApp.ts";
import { stopVariants, type StopVariant } from "./stopOnce.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);
const variants = Object.keys(stopVariants) as StopVariant[];

async function measure(variant: StopVariant, appFolder: string): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "stopOnce.ts"),
    variant,
    appFolder,
  ]);
  return Number(stdout.trim().split("\n").at(-1));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const appFolder = await mkdtemp(join(tmpdir(), "duet-app-"));
try {
  await buildApp(appFolder);
  const measured = new Map<StopVariant, number[]>(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${variant}\n`);
      measured.get(variant)?.push(await measure(variant, appFolder));
    }
  }
  process.stdout.write(`From the click on Stop to the model's connection closed; ${rounds} rounds.\n\n`);
  process.stdout.write("| Stop by | ms: **median** (every value) |\n|---|---|\n");
  for (const [variant, values] of measured) {
    const every = values.map((ms) => ms.toFixed(0)).join(", ");
    process.stdout.write(`| ${variant} | **${median(values).toFixed(0)}** (${every}) |\n`);
  }
} finally {
  await rm(appFolder, { recursive: true, force: true });
}
