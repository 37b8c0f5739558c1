/**
 * The whole of Duet on free ports with a data folder of its own, everything real:
 *
 *   browser -> app server                             the built app
 *           -> cutting proxy -> deployment port       embedded deployment, pushed to by the official CLI, or with a
 *                                                     copy of the data of one to which was pushed
 *           -> cutting proxy -> site port             the same process
 *                                    -> demo server   the model
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModelServer } from "../../demo/modelServer.ts";
import { setDeploymentEnvironment } from "../../scripts/deploymentVariables.ts";
import { startAppServer } from "./builtApp.ts";
import { startCuttingProxies } from "./cuttingProxy.ts";
import { pushFunctions, startEmbedded } from "./embeddedDeployment.ts";

/** All that a test needs to reach a stack, also from another process. */
export interface StackAddresses {
  appUrl: string;
  /** The ports themselves, past the proxies. */
  deploymentUrl: string;
  siteUrl: string;
  proxyControlUrl: string;
  demoUrl: string;
  adminKey: string;
}

export interface Stack {
  addresses: StackAddresses;
  /** SIGKILL: no goodbye, nothing flushed. */
  killDeployment(): Promise<void>;
  /** SIGTERM: it has a moment to end what it does. */
  stopDeployment(): Promise<void>;
  /** On the same ports and data. */
  restartDeployment(): Promise<void>;
  close(): Promise<void>;
}

export interface StackOptions {
  /** Data of a deployment to which our functions are pushed already: copied, and not pushed to again. */
  preparedFolder?: string | undefined;
  /** The models that the demo server knows, instead of its own. */
  models?: readonly string[];
  /** Further variables of the deployment. */
  environment?: (demoUrl: string) => Record<string, string>;
}

export async function startStack(appFolder: string, options: StackOptions = {}): Promise<Stack> {
  const { preparedFolder } = options;
  const dataFolder = await mkdtemp(join(tmpdir(), "duet-stack-"));
  const closers: (() => Promise<unknown>)[] = [() => rm(dataFolder, { recursive: true, force: true })];
  async function close(): Promise<void> {
    for (const closer of closers.splice(0).toReversed()) {
      await closer();
    }
  }
  try {
    if (preparedFolder !== undefined) await cp(preparedFolder, dataFolder, { recursive: true });
    const demo = await startModelServer(options.models ? { models: options.models } : {});
    closers.push(() => demo.close());
    const app = await startAppServer(appFolder);
    closers.push(() => app.close());
    // As npm run dev starts it: no page but the app's may call it.
    const start = { options: ["--allow-origin", app.url] };
    let deployment = await startEmbedded(dataFolder, 0, 0, start);
    closers.push(() => deployment.end("SIGTERM"));
    const { url, siteUrl, adminKey } = deployment.ready;
    const proxies = await startCuttingProxies([url, siteUrl]);
    closers.push(() => proxies.close());
    const [deploymentProxyUrl = "", siteProxyUrl = ""] = proxies.urls;
    app.pointTo(deploymentProxyUrl, siteProxyUrl);
    const environment = { DEMO_BASE_URL: demo.url, ...options.environment?.(demo.url) };
    await setDeploymentEnvironment(deployment.ready, { ...environment, ALLOWED_ORIGINS: app.url });
    if (preparedFolder === undefined) await pushFunctions(deployment.ready);
    return {
      addresses: {
        appUrl: app.url,
        deploymentUrl: url,
        siteUrl,
        proxyControlUrl: proxies.controlUrl,
        demoUrl: demo.url,
        adminKey,
      },
      killDeployment: () => deployment.end("SIGKILL"),
      stopDeployment: () => deployment.end("SIGTERM"),
      async restartDeployment() {
        deployment = await startEmbedded(
          dataFolder,
          Number(new URL(url).port),
          Number(new URL(siteUrl).port),
          start,
        );
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
