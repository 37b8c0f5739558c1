/**
 * The web app as the browser tests serve it: built once with stand-ins for the deployment's addresses, which each
 * stack replaces by its own when it serves a script. React's development build, so that StrictMode does its worst.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { rootFolder } from "./serviceProcess.ts";

const deploymentStandIn = "http://deployment.invalid";
const siteStandIn = "http://site.invalid";

const contentTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** `from` is the checkout to build. */
export async function buildApp(
  outFolder: string,
  mode: "development" | "production" = "development",
  from = rootFolder,
): Promise<void> {
  const vite = join(from, "node_modules", "vite", "bin", "vite.js");
  const args = ["build", "--mode", mode, "--outDir", outFolder, "--emptyOutDir", "--logLevel", "warn"];
  await promisify(execFile)(process.execPath, [vite, ...args], {
    cwd: from,
    env: {
      ...process.env,
      NODE_ENV: mode,
      VITE_CONVEX_URL: deploymentStandIn,
      VITE_CONVEX_SITE_URL: siteStandIn,
    },
  });
}

export interface AppServer {
  url: string;
  /** Until this is called the server answers 503. */
  pointTo(deploymentUrl: string, siteUrl: string): void;
  close(): Promise<void>;
}

export async function startAppServer(appFolder: string): Promise<AppServer> {
  let addresses: [string, string] | null = null;
  const server = createServer((request, response) => {
    if (addresses === null) {
      response.writeHead(503).end();
      return;
    }
    const [deploymentUrl, siteUrl] = addresses;
    void readAppFile(appFolder, request.url ?? "/").then(({ bytes, type }) => {
      const isText = type.startsWith("text/");
      response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
      response.end(
        isText
          ? bytes
              .toString("utf8")
              .replaceAll(deploymentStandIn, deploymentUrl)
              .replaceAll(siteStandIn, siteUrl)
          : bytes,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pointTo(deploymentUrl, siteUrl) {
      addresses = [deploymentUrl, siteUrl];
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A path that is no file is one of the router's, and gets the page. */
async function readAppFile(appFolder: string, url: string): Promise<{ bytes: Buffer; type: string }> {
  const path = normalize(new URL(url, "http://app").pathname);
  const type = contentTypes[extname(path)];
  if (type !== undefined) {
    const bytes = await readFile(join(appFolder, path)).catch(() => null);
    if (bytes !== null) {
      return { bytes, type };
    }
  }
  return { bytes: await readFile(join(appFolder, "index.html")), type: "text/html; charset=utf-8" };
}
