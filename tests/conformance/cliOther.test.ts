/** CLI commands that serve other tools, or make sense on Convex Cloud only: they answer, and end. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openApp, type TestApp } from "./support/testApp.ts";

let app: TestApp;

beforeAll(async () => {
  app = await openApp("cli");
});
afterAll(() => app.close());

test("insights and dashboard say that they are for other deployments", async () => {
  const insights = await app.cli.run(["insights"]);
  expect(insights.exitCode).toBe(1);
  expect(insights.stderr).toContain("only available for cloud deployments");
  const dashboard = await app.cli.run(["dashboard", "--no-open"]);
  expect(dashboard.stderr).toContain("not supported for self-hosted deployments");
});

test("mcp serves its protocol, and says that its tools want a login to Convex", async () => {
  const request = (id: number, method: string, params: object): string =>
    `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`;
  const server = app.cli.start(["mcp", "start", "--project-dir", app.folder]);
  const clientInfo = { name: "test", version: "1" };
  server.write(request(1, "initialize", { protocolVersion: "2025-03-26", capabilities: {}, clientInfo }));
  server.write(request(2, "tools/list", {}));
  server.write(request(3, "tools/call", { name: "status", arguments: { projectDir: app.folder } }));
  await server.printed((output) => output.includes('"id":3'));
  expect(server.output()).toContain("runOneoffQuery");
  expect(server.output()).toContain("Not Authorized");
  await server.interrupt();
});
