/** Runs once before the browser tests: builds the app, finds a browser, pushes, and starts the stack that they share. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildApp } from "./builtApp.ts";
import { findBrowser, type InstalledBrowser } from "./chromium.ts";
import { prepareData } from "./preparedData.ts";
import { startStack, type StackAddresses } from "./stack.ts";

declare module "vitest" {
  interface ProvidedContext {
    browser: InstalledBrowser;
    sharedStack: StackAddresses;
    /** For the tests that need a stack to themselves. */
    appFolder: string;
    preparedData: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const appFolder = await mkdtemp(join(tmpdir(), "duet-app-"));
  const [prepared, browser] = await Promise.all([prepareData(), findBrowser(), buildApp(appFolder)]);
  const stack = await startStack(appFolder, { preparedFolder: prepared.folder });
  project.provide("browser", browser);
  project.provide("sharedStack", stack.addresses);
  project.provide("appFolder", appFolder);
  project.provide("preparedData", prepared.folder);
  return async () => {
    await stack.close();
    await prepared.remove();
    await rm(appFolder, { recursive: true, force: true });
  };
}
