/** A Chromium for the browser tests: from the npm package on Linux, an installed Chrome or Edge elsewhere. */
import { chromium, type Browser } from "@playwright/test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { rootFolder } from "./serviceProcess.ts";

export type InstalledBrowser = { executablePath: string } | { channel: "chrome" | "msedge" };

export async function findBrowser(): Promise<InstalledBrowser> {
  if (process.platform === "linux" && process.arch === "x64") {
    return { executablePath: await unpackedChromium() };
  }
  for (const channel of ["chrome", "msedge"] as const) {
    try {
      const browser = await launchBrowser({ channel });
      await browser.close();
      return { channel };
    } catch {
      // Not installed: the next one is tried, and the sentence below names what is missing.
    }
  }
  throw new Error("The browser tests need an installed Google Chrome or Microsoft Edge on this system.");
}

/** Without the package's own arguments: they switch web security off, which would hide faults with CORS. */
export function launchBrowser(installed: InstalledBrowser): Promise<Browser> {
  return chromium.launch({ ...installed, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/**
 * The package unpacks into the temporary folder and takes whatever it finds there for complete and current. So it
 * gets a new folder each time, which becomes the folder of its version once it is complete.
 */
async function unpackedChromium(): Promise<string> {
  const manifest = join(rootFolder, "node_modules", "@sparticuz", "chromium", "package.json");
  const { version } = JSON.parse(await readFile(manifest, "utf8")) as { version: string };
  const cache = join(rootFolder, "node_modules", ".cache");
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(folder)) {
    return join(folder, "chromium");
  }
  await mkdir(cache, { recursive: true });
  const unpackFolder = await mkdtemp(join(cache, "chromium-unpack-"));
  const systemFolder = process.env["TMPDIR"];
  process.env["TMPDIR"] = unpackFolder;
  try {
    const { default: packaged } = await import("@sparticuz/chromium");
    await packaged.executablePath();
    await rename(unpackFolder, folder).catch((error: NodeJS.ErrnoException) => {
      // Another run was quicker.
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") {
        throw error;
      }
    });
  } finally {
    if (systemFolder === undefined) {
      delete process.env["TMPDIR"];
    } else {
      process.env["TMPDIR"] = systemFolder;
    }
    await rm(unpackFolder, { recursive: true, force: true });
  }
  return join(folder, "chromium");
}
