/**
 * Main module of the action thread: holds the code and environment the engine last posted, runs the actions it asks for,
 * and serves HTTP actions on the site port.
 */
import { parentPort, workerData } from "node:worker_threads";
import { emptyFolder, makeStorageFolders, storageFolders } from "../files/storageFolders.ts";
import { lockPlatform } from "../runner/lockedPlatform.ts";
import { catchStrayErrors } from "../runner/strayErrors.ts";
import { ActionSlots } from "./actionSlots.ts";
import { ResponseBacklog } from "./responseBacklog.ts";
import { EngineSyscalls } from "./engineSyscalls.ts";
import { runFunctionAction } from "./functionAction.ts";
import { serveHttpAction } from "./httpAction.ts";
import { garbageCollector, RealmGarbage } from "./realmGarbage.ts";
import { openSitePort } from "./sitePort.ts";
import { WaitingRealms } from "./waitingRealms.ts";
import type {
  ActionThreadData,
  Environments,
  FromActionThread,
  RunnableCode,
  ToActionThread,
} from "./threadMessages.ts";

const { siteHost, sitePort, limits, dataDir, ownRequestSecret } = workerData as ActionThreadData;
const engine = parentPort!;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
const post = (message: FromActionThread): void => engine.postMessage(message);

catchStrayErrors((error) =>
  post({
    kind: "strayError",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  }),
);

let code: RunnableCode | null = null;
let environments: Environments = {};
let stopSitePort = (): void => undefined;
const introduced = Promise.withResolvers<void>();
const syscalls = new EngineSyscalls(post);
const slots = new ActionSlots(limits.concurrent, limits.concurrentInner, limits.maxWaitMs);
const folders = storageFolders(dataDir);
const noEnvironment = {};
const environment = (path: string): Readonly<Record<string, string>> => environments[path] ?? noEnvironment;
const realms = new WaitingRealms((path) => {
  const component = code?.components[path];
  return component ? { ...component, env: environment(path) } : null;
});
const services = {
  limits,
  folders,
  post,
  slots,
  realms,
  garbage: new RealmGarbage(garbageCollector()),
  ownRequestSecret,
  syscalls,
  backlog: new ResponseBacklog(limits.maxUnreadBytes, (message) => post({ kind: "strayError", message })),
  introduced: introduced.promise,
  component: (path: string) => code?.components[path] ?? null,
  environment,
};

function receive(message: ToActionThread): void {
  switch (message.kind) {
    case "code":
      code = message.code;
      realms.renew();
      if (code?.components[""]?.httpRoutes) realms.expect("", "http.js");
      introduced.resolve();
      break;
    case "environments":
      environments = message.environments;
      realms.renew();
      break;
    case "run":
      void runFunctionAction(message.request, services);
      break;
    case "syscallResult":
      syscalls.answer(message.syscallId, message.result);
      break;
    case "stop":
      stopSitePort();
      post({ kind: "stopped" });
      break;
    case "ping":
      post({ kind: "pong" });
      break;
    default:
      message satisfies never;
  }
}

// Before any function can patch it for those after it.
lockPlatform();
// What the thread before this one left.
makeStorageFolders(folders);
emptyFolder(folders.actions);

try {
  const { port, stop } = await openSitePort(
    siteHost,
    sitePort,
    (request, response) => void serveHttpAction(request, response, services),
  );
  stopSitePort = stop;
  post({ kind: "listening", port });
  // Not before: whoever watches this thread counts from "listening", and user code must not come first.
  engine.on("message", receive);
} catch (error) {
  post({ kind: "notListening", code: (error as NodeJS.ErrnoException).code ?? String(error) });
  engine.close();
}
