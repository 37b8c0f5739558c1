/** Says in a plain sentence which port is taken, before anything is started on it. */
import { createServer } from "node:net";
import type { Ports } from "./settings.ts";

const variableOf: Record<keyof Ports, string> = {
  app: "DUET_APP_PORT",
  deployment: "DUET_DEPLOYMENT_PORT",
  site: "DUET_SITE_PORT",
  demo: "DUET_DEMO_PORT",
};

const purposeOf: Record<keyof Ports, string> = {
  app: "the web app",
  deployment: "the embedded deployment",
  site: "the deployment's HTTP actions",
  demo: "the demo model server",
};

/** One sentence for each port of `wanted` that cannot be had; empty when all are free. */
export async function takenPorts(ports: Ports, wanted: readonly (keyof Ports)[]): Promise<string[]> {
  const sentences: string[] = [];
  for (const name of wanted) {
    if (await isFree(ports[name])) continue;
    sentences.push(
      `Port ${ports[name]}, meant for ${purposeOf[name]}, is taken. ` +
        `Is Duet running already? Stop what uses it, or choose another: ${variableOf[name]}=${ports[name] + 100} npm run dev`,
    );
  }
  return sentences;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
