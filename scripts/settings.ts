/** What `npm run dev` is told: ports, data folder, which deployment, and the variables the deployment needs. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";

export const rootFolder = join(import.meta.dirname, "..");
/** Everything the embedded deployment keeps: database, admin key, lock. The default is ignored by git. */
export function chooseDataFolder(variables: Variables): string {
  return resolve(rootFolder, variables["DUET_DATA_FOLDER"] || ".duet");
}

export interface Ports {
  app: number;
  deployment: number;
  site: number;
  demo: number;
}

/** The variables that `convex/` reads; copied from `.env.local` into the embedded deployment's environment. */
const deploymentVariables = [
  "OPENAI_API_KEY",
  "OPENAI_BASE_URL",
  "OPENAI_RESUMABLE",
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_BASE_URL",
  "OPENAI_COMPATIBLE_BASE_URL",
  "OPENAI_COMPATIBLE_API_KEY",
  "OPENAI_COMPATIBLE_MODELS",
  "DEFAULT_MODEL",
  "ALLOWED_ORIGINS",
  "MAX_CONCURRENT_RUNS",
] as const;

/** Any of these makes a real model available, and the demo model server unnecessary. */
const realModelVariables = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_COMPATIBLE_BASE_URL"] as const;

export type Variables = Readonly<Record<string, string | undefined>>;

/** The shell's environment over `.env.local`, as Vite and the Convex CLI rank them. */
export function readVariables(): Variables {
  const file = join(rootFolder, ".env.local");
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  return { ...fromFile, ...process.env };
}

export type Target =
  | { kind: "embedded" }
  /** A self-hosted Convex or Convex Cloud, which the CLI finds by these variables on its own. */
  | { kind: "external"; variable: "CONVEX_SELF_HOSTED_URL" | "CONVEX_DEPLOYMENT"; value: string };

export function chooseTarget(variables: Variables): Target {
  for (const variable of ["CONVEX_SELF_HOSTED_URL", "CONVEX_DEPLOYMENT"] as const) {
    const value = variables[variable];
    if (value) return { kind: "external", variable, value };
  }
  return { kind: "embedded" };
}

export const portVariable: Readonly<Record<keyof Ports, string>> = {
  app: "DUET_APP_PORT",
  deployment: "DUET_DEPLOYMENT_PORT",
  site: "DUET_SITE_PORT",
  demo: "DUET_DEMO_PORT",
};

/** @throws Error naming the variable when a port is not an integer from 1 to 65535, or the same as another. */
export function readPorts(variables: Variables): Ports {
  const ports: Ports = {
    app: readPort(variables, portVariable.app, 5173),
    deployment: readPort(variables, portVariable.deployment, 3210),
    site: readPort(variables, portVariable.site, 3211),
    demo: readPort(variables, portVariable.demo, 3212),
  };
  const nameOf = new Map<number, string>();
  for (const name of ["app", "deployment", "site", "demo"] as const) {
    const other = nameOf.get(ports[name]);
    if (other !== undefined) {
      throw new Error(
        `${other} and ${portVariable[name]} are both ${ports[name]}. Each needs a port of its own.`,
      );
    }
    nameOf.set(ports[name], portVariable[name]);
  }
  return ports;
}

function readPort(variables: Variables, name: string, preset: number): number {
  const text = variables[name];
  if (text === undefined || text === "") return preset;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new Error(
    `${name} is "${text}", but a port is a whole number from 1 to 65535. Mend it in .env.local.`,
  );
}

export function hasRealModel(variables: Variables): boolean {
  return realModelVariables.some((name) => Boolean(variables[name]));
}

/**
 * The deployment's environment as it has to be: every variable named here is set or, with null, removed,
 * so that a key deleted from `.env.local` is gone from the deployment too.
 */
export function deploymentEnvironment(
  variables: Variables,
  appOrigins: readonly string[],
  demoUrl: string | null,
): Record<string, string | null> {
  const environment: Record<string, string | null> = { DEMO_BASE_URL: demoUrl };
  for (const name of deploymentVariables) environment[name] = variables[name] || null;
  environment["ALLOWED_ORIGINS"] ??= appOrigins.join(",");
  return environment;
}
