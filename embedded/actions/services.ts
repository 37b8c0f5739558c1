/** What the runs of the action thread share. */
import type { StorageFolders } from "../files/storageFolders.ts";
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { ActionSlots } from "./actionSlots.ts";
import type { ResponseBacklog } from "./responseBacklog.ts";
import type { EngineSyscalls } from "./engineSyscalls.ts";
import type { RealmGarbage } from "./realmGarbage.ts";
import type { WaitingRealms } from "./waitingRealms.ts";
import type { ActionLimits, FromActionThread, RunnableComponent } from "./threadMessages.ts";

export interface ActionServices {
  limits: ActionLimits;
  folders: StorageFolders;
  slots: ActionSlots;
  realms: WaitingRealms;
  garbage: RealmGarbage;
  ownRequestSecret: string;
  syscalls: EngineSyscalls;
  backlog: ResponseBacklog;
  post(message: FromActionThread): void;
  /** Resolves when code and environment are known. */
  introduced: Promise<void>;
  /** As of the newest push. */
  component(path: ComponentPath): RunnableComponent | null;
  environment(path: ComponentPath): Readonly<Record<string, string>>;
}
