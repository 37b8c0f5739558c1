/** The few lines that tell where Duet runs and what answers. */
import type { Target } from "./settings.ts";
import type { EmbeddedAddress } from "./services.ts";

export interface BannerFacts {
  appUrl: string;
  target: Target;
  embedded: EmbeddedAddress | null;
  dataFolder: string;
  demo: boolean;
}

export function printBanner(facts: BannerFacts): void {
  const lines = [
    `Duet is ready:  ${facts.appUrl}`,
    "",
    `Deployment  ${describeDeployment(facts)}`,
    ...(facts.embedded === null ? [] : [`Data        ${facts.dataFolder}  (npm run reset empties it)`]),
    `Models      ${describeModels(facts)}`,
    "Ctrl-C ends all of it.",
  ];
  const width = Math.max(...lines.map((line) => line.length));
  const rule = "─".repeat(width + 2);
  const body = lines.map((line) => `│ ${line.padEnd(width)} │`).join("\n");
  process.stdout.write(`\n╭${rule}╮\n${body}\n╰${rule}╯\n\n`);
}

function describeDeployment({ target, embedded }: BannerFacts): string {
  if (target.kind === "external") return `${target.variable}=${target.value}`;
  return `embedded, ${embedded?.url ?? ""}`;
}

function describeModels({ demo, target }: BannerFacts): string {
  if (demo) return "demo (simulated; put a provider key into .env.local for a real one)";
  return target.kind === "embedded"
    ? "the providers of .env.local"
    : "the providers of the deployment's environment";
}
