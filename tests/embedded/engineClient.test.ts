import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { EngineClient } from "../../embedded/engineClient.ts";
import { defaultLogSettings } from "../../embedded/log.ts";

test("what is asked after the thread's end is refused at once", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "engine-client-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const client = new EngineClient(
    {
      dataDir,
      url: "http://127.0.0.1:1",
      siteHost: "127.0.0.1",
      sitePort: 0,
      instanceName: "test",
      adminKey: "test|key",
      log: defaultLogSettings,
    },
    { engineHeapMb: 1_024, maxMemoryMb: 512, logError: () => undefined },
  );
  await client.ready;
  await client.request("ping");
  await client.close(3_000);
  await expect(client.request("ping")).rejects.toMatchObject({ code: "Unavailable" });
});
