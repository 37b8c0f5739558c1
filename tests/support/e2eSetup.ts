/** Runs once before the browser tests: builds the app, finds a browser, and starts the stack that they share. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildApp } from "./builtApp.ts";
import { findBrowser, type InstalledBrowser } from "./chromium.ts";
import { startStack, type StackAddresses } from "./stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    browser: InstalledBrowser;
    sharedStack: StackAddresses;
    /** For the tests that need a stack to themselves. */
    appFolder: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const appFolder = await mkdtemp(join(tmpdir(), "duet-app-"));
  const [stack, browser] = await Promise.all([startStack(appFolder), findBrowser(), buildApp(appFolder)]);
  project.provide("browser", browser);
  project.provide("sharedStack", stack.addresses);
  project.provide("appFolder", appFolder);
  return async () => {
    await stack.close();
    await rm(appFolder, { recursive: true, force: true });
  };
}
