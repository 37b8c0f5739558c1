/** What a route of the deployment port is given and what it answers. */
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import type { EngineClient } from "../engineClient.ts";
import type { StorageFolders } from "../files/storageFolders.ts";
import type { Credential } from "../protocol/mainMessages.ts";

export interface DeploymentIdentity {
  instanceName: string;
  /** URL of the deployment port. */
  url: string;
  /** URL under which HTTP actions are served. */
  siteUrl: string;
}

export interface RouteContext {
  request: IncomingMessage;
  url: URL;
  /** From the Authorization header. An admin route gets here with an admin's only. */
  credential: Credential;
  engine: EngineClient;
  identity: DeploymentIdentity;
  /** Where the bytes of files are. */
  folders: StorageFolders;
  /** How long an upload may keep us waiting. */
  uploadMs: number;
  /** Since when the engine has not answered the watchdog, in ms; 0 while it answers. */
  engineSilentMs: () => number;
  /** Only what runs is still ended. */
  isStopping: boolean;
}

export type Reply =
  | { type: "json"; status?: number; body: unknown }
  /** JSON that is encoded already. */
  | { type: "encodedJson"; encoded: string }
  | { type: "text"; body: string }
  | { type: "bytes"; status: number; headers: OutgoingHttpHeaders; body: Readable | null };

export interface Route {
  access: "anyone" | "admin";
  handle(context: RouteContext): Promise<Reply> | Reply;
}
