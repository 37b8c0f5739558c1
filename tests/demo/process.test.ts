import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { startModelServer } from "../../demo/modelServer.ts";

test("the process says where it listens, and SIGTERM ends it with code 0", async () => {
  const child = spawn(process.execPath, ["demo/main.ts", "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  const { url } = JSON.parse(line.replace(/^demo model server ready /, "")) as { url: string };
  expect((await fetch(`${url}/control/requests`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a taken port is a sentence with the remedy, and exit code 2", async () => {
  const server = await startModelServer();
  const child = spawn(process.execPath, ["demo/main.ts", "--port", new URL(server.url).port]);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const [code] = (await once(child, "close")) as [number];
  await server.close();
  expect(code).toBe(2);
  expect(complaint).toMatch(/^Port \d+ is taken .* --port .*\n$/);
});
