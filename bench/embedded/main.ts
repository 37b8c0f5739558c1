/**
 * `npm run bench:embedded`: what the deployment itself costs, with small functions and the official client. Each
 * measurement is a fresh process with a fresh deployment; they alternate; the table gives the median and every value.
 *
 *   npm run bench:embedded                      all of them, three rounds (BENCH_ROUNDS)
 *   npm run bench:embedded -- latency           those whose name begins so
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Figures } from "./measurements.ts";

const all = [
  "latency, 0 subscriptions",
  "latency, 1,000 subscriptions",
  "load of 32 clients, 0 subscriptions",
  "load of 32 clients, 1,000 subscriptions",
  "fan-out to 200 clients",
  "HTTP action",
  "a function that never ends",
];

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const wanted = process.argv[2] ?? "";
const names = all.filter((name) => name.startsWith(wanted));

async function measure(name: string): Promise<Figures> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    join(import.meta.dirname, "measure.ts"),
    name,
  ]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Figures;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

const runs = new Map<string, Figures[]>(names.map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const name of round % 2 === 0 ? names : names.toReversed()) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${name}\n`);
    runs.get(name)?.push(await measure(name));
  }
}

process.stdout.write(`${rounds} rounds; times in ms.\n\n| | median | each |\n|---|---|---|\n`);
for (const [name, figures] of runs) {
  for (const label of Object.keys(figures[0] ?? {})) {
    const values = figures.map((one) => one[label] ?? Number.NaN);
    process.stdout.write(
      `| ${name}: ${label} | **${shown(median(values))}** | ${values.map(shown).join(", ")} |\n`,
    );
  }
}
