/** Looks for taken ports before anything is started on them. */
import { createServer } from "node:net";
import { portVariable, type Ports } from "./settings.ts";

const purposeOf: Record<keyof Ports, string> = {
  app: "the web app",
  deployment: "the embedded deployment",
  site: "the deployment's HTTP actions",
  demo: "the demo model server",
};

/** Says which ports of `wanted` cannot be had, and the command that chooses others; null when all are free. */
export async function takenPorts(ports: Ports, wanted: readonly (keyof Ports)[]): Promise<string | null> {
  const taken: (keyof Ports)[] = [];
  for (const name of wanted) {
    if (!(await isFree(ports[name]))) taken.push(name);
  }
  if (taken.length === 0) return null;
  const sentences = taken.map((name) => `Port ${ports[name]}, meant for ${purposeOf[name]}, is taken.`);
  const others = taken.map((name) => `${portVariable[name]}=${(ports[name] % 60_000) + 100}`);
  return [
    ...sentences,
    "Is Duet running already? Stop what uses it, or choose otherwise:",
    `  ${others.join(" ")} npm run dev`,
  ].join("\n");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
