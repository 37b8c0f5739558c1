/**
 * One deployment with the app on it, a model server, and the faulty network between the two. Worlds begin with a copy of
 * a data folder to which the app has been pushed.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { api } from "../../convex/_generated/api.js";
import { startModelServer, type ModelServer } from "../../demo/modelServer.ts";
import type { LoggedRequest } from "../../demo/requestLog.ts";
import { setDeploymentEnvironment } from "../../scripts/deploymentVariables.ts";
import { startEmbedded, type EmbeddedReady } from "../support/embeddedDeployment.ts";
import type { ServiceProcess } from "../support/serviceProcess.ts";
import type { DeploymentFault } from "./faultTable.ts";
import { PlatformHealth } from "./platformHealth.ts";
import { FaultyLink, type LinkConnection } from "./faultyLink.ts";

const lookMs = 10;

/** Server runs that the app lets go on side by side. */
const serverPlaces = 4;

export class World {
  readonly demo: ModelServer;
  readonly providerLink: FaultyLink;
  /** For whoever watches without faults; another one after each restart. */
  observer: ConvexClient;
  /** The last moment at which runs that nobody writes may have waited for a place that a held reply had. */
  crowdedUntilMs = 0;
  readonly health: PlatformHealth;
  private deployment: ServiceProcess<EmbeddedReady>;
  private readonly dataFolder: string;
  private readonly watchers = new Set<(client: ConvexClient) => void>();
  private readonly requests = new Map<string, LoggedRequest[]>();
  private readonly closedAt = new Map<LoggedRequest, number>();
  /** How much reasoning of each had gone out at the last look at which it had grown. */
  private readonly thoughtUntil = new Map<LoggedRequest, { length: number; atMs: number }>();
  private open: LoggedRequest[] = [];
  private seen = 0;
  private readonly looks: NodeJS.Timeout;

  static async start(preparedFolder: string): Promise<World> {
    const dataFolder = await mkdtemp(join(tmpdir(), "duet-world-"));
    await cp(preparedFolder, dataFolder, { recursive: true });
    const demo = await startModelServer();
    const providerLink = await FaultyLink.open(demo.url);
    const deployment = await startEmbedded(dataFolder, 0, 0);
    await setDeploymentEnvironment(deployment.ready, { DEMO_BASE_URL: providerLink.url });
    return new World(demo, providerLink, deployment, dataFolder);
  }

  private constructor(
    demo: ModelServer,
    providerLink: FaultyLink,
    deployment: ServiceProcess<EmbeddedReady>,
    dataFolder: string,
  ) {
    this.demo = demo;
    this.providerLink = providerLink;
    this.deployment = deployment;
    this.dataFolder = dataFolder;
    this.observer = this.connect();
    this.health = new PlatformHealth(() =>
      new ConvexHttpClient(this.address.url, { logger: false }).query(api.chats.listChats, { limit: 1 }),
    );
    this.looks = setInterval(() => this.look(), lookMs);
  }

  get address(): EmbeddedReady {
    return this.deployment.ready;
  }

  get urls(): { deployment: string; site: string } {
    return { deployment: this.address.url, site: this.address.siteUrl };
  }

  /** The requests that reached the model for the message with `marker`, oldest first. */
  requestsOf(marker: string): readonly LoggedRequest[] {
    this.look();
    return this.requests.get(marker) ?? [];
  }

  closedAtMs(request: LoggedRequest): number | null {
    return this.closedAt.get(request) ?? null;
  }

  thoughtUntilMs(request: LoggedRequest): number | null {
    return this.thoughtUntil.get(request)?.atMs ?? null;
  }

  async release(request: LoggedRequest): Promise<void> {
    await fetch(`${this.demo.url}/control/release?id=${request.id}`, { method: "POST" });
  }

  /** Whether the message with `marker` has made a chat, or makes one in this time. */
  async hasChat(marker: string, withinMs: number): Promise<boolean> {
    return await this.comesTrue(withinMs, async (client) => {
      const chats = await client.query(api.chats.listChats, { limit: 200 });
      return chats.some(({ title }) => title.includes(marker));
    });
  }

  /** Whether the chat has more messages than so many, or gets them in this time. */
  async hasMore(chatId: string, count: number, withinMs: number): Promise<boolean> {
    return await this.comesTrue(withinMs, async (client) => {
      return (await client.query(api.messages.list, { chatId })).length > count;
    });
  }

  private async comesTrue(
    withinMs: number,
    look: (client: ConvexHttpClient) => Promise<boolean>,
  ): Promise<boolean> {
    const client = new ConvexHttpClient(this.address.url, { logger: false });
    const giveUpAt = Date.now() + withinMs;
    while (Date.now() < giveUpAt) {
      // A deployment that is down has nothing to say.
      if (await look(client).catch(() => false)) return true;
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
    return false;
  }

  /** Calls `watch` with the observer, and again with each one that takes its place. */
  observe(watch: (client: ConvexClient) => void): () => void {
    this.watchers.add(watch);
    watch(this.observer);
    return () => this.watchers.delete(watch);
  }

  /** Resolves when the deployment takes requests again, on the same ports and data. */
  async strike(kind: DeploymentFault, downMs: number): Promise<void> {
    const { url, siteUrl } = this.address;
    void this.observer.close();
    await this.deployment.end(kind === "restart" ? "SIGTERM" : "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, downMs));
    const ports = [url, siteUrl].map((address) => Number(new URL(address).port));
    this.deployment = await startEmbedded(this.dataFolder, ports[0]!, ports[1]!);
    this.observer = this.connect();
    for (const watch of this.watchers) watch(this.observer);
  }

  async close(): Promise<void> {
    clearInterval(this.looks);
    this.health.stop();
    void this.observer.close();
    await this.deployment.end("SIGKILL");
    await this.providerLink.close();
    await this.demo.close();
    await rm(this.dataFolder, { recursive: true, force: true });
  }

  /** Forgets the requests of a group that is over: the model server remembers no more than a thousand. */
  async forgetRequests(): Promise<void> {
    await fetch(`${this.demo.url}/control/requests`, { method: "DELETE" });
    this.seen = 0;
    this.requests.clear();
    this.closedAt.clear();
    this.thoughtUntil.clear();
    this.open = [];
  }

  private connect(): ConvexClient {
    return new ConvexClient(this.address.url, { logger: false, unsavedChangesWarning: false });
  }

  private look(): void {
    const all = this.demo.requests;
    for (; this.seen < all.length; this.seen++) {
      const request = all[this.seen]!;
      const marker = markerIn(request.messages.map(({ text }) => text).join("\n")) ?? "";
      this.requests.set(marker, [...(this.requests.get(marker) ?? []), request]);
      this.open.push(request);
    }
    const now = Date.now();
    if (this.open.filter(({ state }) => state === "onHold").length >= serverPlaces) this.crowdedUntilMs = now;
    this.open = this.open.filter((request) => {
      const { length } = request.sentReasoning;
      if (length > (this.thoughtUntil.get(request)?.length ?? 0)) {
        this.thoughtUntil.set(request, { length, atMs: now });
      }
      const isOpen = request.state === "streaming" || request.state === "onHold";
      if (!isOpen) this.closedAt.set(request, now);
      return isOpen;
    });
  }
}

const markerPattern = /mark[0-9a-z]+x\d+x/g;

function markerIn(text: string): string | null {
  return text.match(markerPattern)?.[0] ?? null;
}

/** The connections to the model that carry a request of this scenario now: they are used again and again. */
export function carries(marker: string): (connection: LinkConnection) => boolean {
  return ({ sent }) => sent.match(markerPattern)?.at(-1) === marker;
}
