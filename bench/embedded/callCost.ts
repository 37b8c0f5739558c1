/**
 * `node bench/embedded/callCost.ts`: processor time of one query or mutation in the engine, in realms that are kept beside
 * a fresh one for each call. Each variant runs in a process of its own, in alternating order; the median of the rounds is shown
 * with every value, in microseconds.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { deployedCode, EngineFixture, functions, schema } from "../../tests/support/engineFixture.ts";

const variants = ["kept", "fresh"] as const;
type Variant = (typeof variants)[number];
type Costs = Record<string, number>;

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);

/** The library's code is split off, as the CLI does it wherever two modules import it. */
const other = functions(`export const nothing = query(async () => null);`);

/** What makes a module need a realm of its own. */
const before = (variant: Variant): string =>
  variant === "fresh" ? `Object.defineProperty(Array.prototype, "own", { value: 1 });` : "";

async function open(variant: Variant): Promise<EngineFixture> {
  const app = functions(`${before(variant)}
    export const nothing = query({ args: {}, handler: async () => null });
    export const get = query({ args: { id: v.string() }, handler: async (ctx, { id }) => await ctx.db.get(id) });
    export const nested = query({ args: {}, handler: async (ctx) => await ctx.runQuery(components.child.c.first, {}) });
    export const insert = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => await ctx.db.insert("rows", { n, text: "hello" }) });
    export const patch = mutation({ args: { id: v.string(), n: v.number() }, handler: async (ctx, { id, n }) => await ctx.db.patch(id, { n }) });
  `);
  const child = functions(`${before(variant)}
    export const first = query({ args: {}, handler: async (ctx) => await ctx.db.query("t").first() });`);
  return EngineFixture.with(
    await deployedCode({
      "": {
        files: {
          "m.ts": app,
          "other.ts": other,
          "schema.ts": schema(`rows: defineTable({ n: v.number(), text: v.string() }).index("by_n", ["n"])`),
        },
        children: { child: "child" },
      },
      child: { files: { "c.ts": child, "other.ts": other } },
    }),
  );
}

function cpuUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

async function measure(variant: Variant): Promise<Costs> {
  const fixture = await open(variant);
  const id = await fixture.mutation("m:insert", { n: 0 });
  const calls: Record<string, (n: number) => Promise<unknown>> = {
    "query that does nothing": () => fixture.query("m:nothing"),
    "query of one document": () => fixture.query("m:get", { id }),
    "query that calls a component's": () => fixture.query("m:nested"),
    "mutation that inserts, alone in its commit": (n) => fixture.mutation("m:insert", { n }),
    "mutation that patches, alone in its commit": (n) => fixture.mutation("m:patch", { id, n }),
    "mutation that inserts, 50 in a commit (each)": (n) =>
      n % 50 === 0
        ? Promise.all(Array.from({ length: 50 }, () => fixture.mutation("m:insert", { n })))
        : Promise.resolve(),
  };
  const count = variant === "kept" ? 2_000 : 200;
  const costs: Costs = {};
  for (const [name, call] of Object.entries(calls)) {
    for (let n = 0; n < count / 4; n++) await call(n);
    const startUs = cpuUs();
    for (let n = 0; n < count; n++) await call(n);
    costs[name] = (cpuUs() - startUs) / count;
  }
  await fixture.close();
  return costs;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function measureApart(variant: Variant): Promise<Costs> {
  const { stdout } = await promisify(execFile)(process.execPath, [import.meta.filename, variant]);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Costs;
}

async function compare(): Promise<void> {
  const costs: Record<Variant, Costs[]> = { kept: [], fresh: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${variant}\n`);
      costs[variant].push(await measureApart(variant));
    }
  }
  process.stdout.write(
    "| processor time of a call, µs | kept realms | a fresh realm a call |\n|---|---|---|\n",
  );
  for (const name of Object.keys(costs.kept[0] ?? {})) {
    const cells = variants.map((variant) => {
      const values = costs[variant].map((cost) => cost[name] ?? Number.NaN);
      return `**${median(values).toFixed(0)}** (${values.map((value) => value.toFixed(0)).join(", ")})`;
    });
    process.stdout.write(`| ${name} | ${cells.join(" | ")} |\n`);
  }
}

const variant = variants.find((name) => name === process.argv[2]);
if (variant === undefined) await compare();
else process.stdout.write(`${JSON.stringify(await measure(variant))}\n`);
