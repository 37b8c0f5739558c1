/**
 * The deployment that the suite is run against: the one that the environment names, or an embedded one of its own.
 * What a case does goes through addresses and a key only, so any deployment can stand here.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "../../support/embeddedDeployment.ts";

export interface Target {
  /** Deployment port: HTTP API, WebSocket, CLI. */
  url: string;
  /** Where HTTP actions are served. */
  siteUrl: string;
  adminKey: string;
  close: () => Promise<void>;
}

/** `embedded`: what CONFORMANCE_URL does not name is started, with a data folder of its own. */
export async function openTarget(): Promise<Target> {
  const { CONFORMANCE_URL, CONFORMANCE_SITE_URL, CONFORMANCE_ADMIN_KEY } = process.env;
  if (CONFORMANCE_URL === undefined) return await openEmbedded();
  if (CONFORMANCE_SITE_URL === undefined || CONFORMANCE_ADMIN_KEY === undefined) {
    throw new Error(
      "CONFORMANCE_URL goes with CONFORMANCE_SITE_URL and CONFORMANCE_ADMIN_KEY: set all three.",
    );
  }
  return {
    url: CONFORMANCE_URL,
    siteUrl: CONFORMANCE_SITE_URL,
    adminKey: CONFORMANCE_ADMIN_KEY,
    close: async () => undefined,
  };
}

async function openEmbedded(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "conformance-data-"));
  const service = await startEmbedded(folder, 0, 0);
  return {
    ...service.ready,
    async close() {
      await service.end("SIGTERM");
      rmSync(folder, { recursive: true });
    },
  };
}
