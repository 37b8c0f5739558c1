/**
 * `npm run bench`: what one 2,000-token reply with one spectator costs, Duet beside the component used as its README shows.
 * Each run is a fresh process with a fresh deployment; the variants alternate; the table gives the median and every value.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ReplyCost } from "./replyCost.ts";

const variants = ["duet", "readme"] as const;
type Variant = (typeof variants)[number];

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);

const rows: { label: string; value: (cost: ReplyCost) => number }[] = [
  { label: "POST to first token at the driver, ms", value: (cost) => cost.postToFirstTokenMs },
  { label: "send to first token at the driver, ms", value: (cost) => cost.sendToFirstTokenMs },
  { label: "last token to the driver's end, ms", value: (cost) => cost.lastTokenToEndMs },
  { label: "texts seen by the spectator", value: (cost) => cost.spectatorTexts },
  { label: "functions called", value: (cost) => cost.functionsCalled },
  { label: "documents read", value: (cost) => cost.documentsRead },
  { label: "kB read", value: (cost) => cost.bytesRead / 1000 },
  { label: "documents written", value: (cost) => cost.documentsWritten },
  { label: "kB sent to clients over the WebSocket", value: (cost) => cost.bytesSent / 1000 },
];

async function measure(variant: Variant): Promise<ReplyCost> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "replyCost.ts"),
    variant,
  ]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as ReplyCost;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

const costs: Record<Variant, ReplyCost[]> = { duet: [], readme: [] };
for (let round = 0; round < rounds; round += 1) {
  for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${variant}\n`);
    costs[variant].push(await measure(variant));
  }
}

process.stdout.write(
  `One reply of 2,000 tokens at 100 tokens a second, one spectator; ${rounds} rounds.\n\n`,
);
process.stdout.write("| | Duet | the component as its README uses it |\n|---|---|---|\n");
for (const { label, value } of rows) {
  const cells = variants.map((variant) => {
    const values = costs[variant].map(value);
    return `**${shown(median(values))}** (${values.map(shown).join(", ")})`;
  });
  process.stdout.write(`| ${label} | ${cells.join(" | ")} |\n`);
}
