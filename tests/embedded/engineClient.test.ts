import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EngineClient } from "../../embedded/engineClient.ts";
import { defaultLogSettings } from "../../embedded/log.ts";

const logged: string[] = [];

function startClient(): EngineClient {
  const dataDir = mkdtempSync(join(tmpdir(), "engine-client-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  return new EngineClient(
    {
      dataDir,
      url: "http://127.0.0.1:1",
      siteHost: "127.0.0.1",
      sitePort: 0,
      instanceName: "test",
      adminKey: "test|key",
      log: defaultLogSettings,
    },
    { engineHeapMb: 1_024, maxMemoryMb: 512, logError: (line) => logged.push(line) },
  );
}

test("what is asked after the thread's end is refused at once", async () => {
  const client = startClient();
  await client.ready;
  await client.request("ping");
  await client.close(3_000);
  await expect(client.request("ping")).rejects.toMatchObject({ code: "Unavailable" });
});

test("in the place of a thread that does not answer another one answers, and clients connect anew", async () => {
  const client = startClient();
  onTestFinished(() => client.close(3_000));
  await client.ready;
  const { promise: closed, resolve: closeAll } = Promise.withResolvers<string>();
  client.relayTo({
    send: () => undefined,
    close: () => undefined,
    taken: () => undefined,
    closeAll,
  });
  client.replaceSilent();
  expect(await closed).toBe("EngineRestarted");
  await client.request("ping");
  expect(logged.join()).toContain("has not answered for minutes");
});
