/** A push of the official CLI as it went over the wire, to be sent again without the seconds that the CLI takes. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { DeploymentAddress } from "../convexCli.ts";
import type { FixtureApp } from "../notesApp.ts";

const startPushPath = "/api/deploy2/start_push";

export interface RecordedPush {
  /** Answers whether the new code was installed; rejects when the connection is lost. `onPrepared`: what remains is to install it. */
  send: (to: DeploymentAddress, onPrepared?: () => void) => Promise<boolean>;
}

/** `deployment` must be without code: then the CLI sends every module. */
export async function recordPush(app: FixtureApp, deployment: DeploymentAddress): Promise<RecordedPush> {
  let recorded: { body: Buffer; encoding: string } | null = null;
  const proxy = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      if (request.url === startPushPath)
        recorded = { body, encoding: request.headers["content-encoding"] ?? "identity" };
      const answer = await fetch(deployment.url + (request.url ?? ""), {
        method: request.method ?? "GET",
        headers: forwarded(request.headers),
        ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
      });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
    })();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const { exitCode, stdout, stderr } = await app.convex(
    { ...deployment, url },
    "deploy",
    "--typecheck",
    "disable",
  );
  proxy.closeAllConnections();
  proxy.close();
  if (exitCode !== 0 || recorded === null) throw new Error(`convex deploy failed:\n${stdout}\n${stderr}`);
  return { send: replay(recorded) };
}

function replay({ body, encoding }: { body: Buffer; encoding: string }): RecordedPush["send"] {
  return async ({ url, adminKey }, onPrepared) => {
    const post = async (
      path: string,
      sent: string | Uint8Array<ArrayBuffer>,
      headers = {},
    ): Promise<unknown> => {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { Authorization: `Convex ${adminKey}`, "Content-Type": "application/json", ...headers },
        body: sent,
      });
      return response.ok ? await response.json() : null;
    };
    const startPush = await post(startPushPath, new Uint8Array(body), { "Content-Encoding": encoding });
    onPrepared?.();
    const finished = await post("/api/deploy2/finish_push", JSON.stringify({ startPush, dryRun: false }));
    return finished !== null;
  };
}

function forwarded({
  authorization,
  "content-encoding": encoding,
}: IncomingHttpHeaders): Record<string, string> {
  return {
    "content-type": "application/json",
    ...(authorization === undefined ? {} : { authorization }),
    ...(encoding === undefined ? {} : { "content-encoding": encoding }),
  };
}
