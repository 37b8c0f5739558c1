/**
 * A client as the app is one, without its screen: the product's own store and reader of a reply, over the official
 * client, each behind network links of its own. Every change of what it would show is a sample. Long, because what can
 * happen to a tab happens to all of its connections at once.
 */
import { ConvexClient } from "convex/browser";
import type { ConvexReactClient } from "convex/react";
import { api } from "../../convex/_generated/api.js";
import { mintToken } from "../../src/sending/clientTokens.ts";
import { submitTurn, type NewTurn, type TurnRequest } from "../../src/sending/turnRequest.ts";
import { emptyReplyText, type ReplyText } from "../../src/streaming/mergeReplyText.ts";
import { driveReply } from "../../src/streaming/driveReply.ts";
import { ReplyStore } from "../../src/streaming/replyStore.ts";
import type { ClientEvidence, Evidence, PlainReading, PostEvidence } from "./evidence.ts";
import { FaultyLink } from "./faultyLink.ts";
import { BrowserTab } from "./page/browserTab.ts";
import { Page } from "./page/page.ts";
import { showInPage, type ShownReply } from "./page/shownReply.ts";
import { nextTickUpdates } from "./nextTickUpdates.ts";
import { readPlainText } from "./plainReader.ts";
import { postAndForget } from "./postAndForget.ts";
import type { Scenario } from "./scenario.ts";
import { watchedFetch } from "./watchedFetch.ts";
import { WatchedReasoning } from "./watchedReasoning.ts";

/** Somebody else has the run. */
const httpConflict = 409;

export interface Turn {
  chatId: string;
  userMessageId: string;
  messageId: string;
  streamId: string;
}

/** What else a driver can be than a page of the app. */
type TabKind = Pick<Scenario, "plainReader" | "hasUnknownFields">;

const appPage: TabKind = { plainReader: null, hasUnknownFields: false };

export interface TabLinks {
  deployment: FaultyLink;
  site: FaultyLink;
}

export class Tab {
  readonly evidence: ClientEvidence;
  readonly links: TabLinks;
  private readonly siteUrl: string;
  private client: ConvexClient;
  private readonly browser = new BrowserTab();
  /** Of a tab that sends as the app does. */
  private page: Page | null = null;
  private store: ReplyStore | null = null;
  private turn: Turn | null = null;
  private reasoning: WatchedReasoning | null = null;
  private readonly posts: PostEvidence[];
  private readonly plainReadings: PlainReading[];
  private readonly kind: TabKind;
  private unsubscribers = new Map<"list" | "tail" | "body", () => void>();
  private attempt = 0;
  private isAsleep = false;
  private isListed = true;
  /** A client that is closed leaves whoever waits for its answers waiting for ever. */
  private pageGone = Promise.withResolvers<void>();

  static async open(
    name: string,
    urls: { deployment: string; site: string },
    evidence: Pick<Evidence, "clients" | "posts" | "plainReadings">,
    kind: TabKind = appPage,
  ): Promise<Tab> {
    const [deployment, site] = await Promise.all([
      FaultyLink.open(urls.deployment),
      FaultyLink.open(urls.site),
    ]);
    const tab = new Tab(name, { deployment, site }, urls.site, evidence, kind);
    evidence.clients.push(tab.evidence);
    return tab;
  }

  private constructor(
    name: string,
    links: TabLinks,
    siteUrl: string,
    { posts, plainReadings }: Pick<Evidence, "posts" | "plainReadings">,
    kind: TabKind,
  ) {
    this.siteUrl = siteUrl;
    this.evidence = { name, samples: [], reasonings: [], isOpenAtEnd: true };
    this.links = links;
    this.posts = posts;
    this.plainReadings = plainReadings;
    this.kind = kind;
    this.client = this.connect();
  }

  get isOpen(): boolean {
    return this.evidence.isOpenAtEnd;
  }

  /** What it shows now. */
  get shown(): { text: string; isSettled: boolean } {
    const snapshot = this.store?.getSnapshot();
    return {
      text: snapshot?.text ?? "",
      isSettled:
        snapshot !== undefined &&
        snapshot.feed === "none" &&
        !this.isDriving &&
        this.reasoning?.isLoading === false,
    };
  }

  get isDriving(): boolean {
    const isReading = this.kind.plainReader !== null && this.plainReadings.some(({ end }) => end === null);
    return isReading || (this.store?.isDriving ?? false);
  }

  /** Enter, on a page of the app. Resolves with the turn when the page knows it; never, if the page goes away before. */
  async sendAsApp(turn: NewTurn, chatId: string | null, onScreen: ShownReply | null): Promise<Turn> {
    const page = await this.openPage();
    if (onScreen !== null) showInPage(page, onScreen);
    const composer = { chatId, pageKey: "new" };
    const { result } = page.app.sendTurn(this.convexOf(page), turn, composer);
    const sent = await result;
    if (sent.kind === "failed") throw new Error("The message was given back to the person.");
    return sent.turn;
  }

  /** The turn that this page has sent, or found written down and sent again. */
  async acceptedTurn(): Promise<Turn> {
    const { page } = this;
    if (page === null) throw new Error("This tab has no page of the app that could send.");
    const { pendingSends } = page.app;
    return await new Promise((resolve) => {
      const look = () => {
        const turn = pendingSends.getAll().find((send) => send.turn !== null)?.turn;
        if (turn) resolve(turn);
      };
      pendingSends.subscribe(look);
      look();
    });
  }

  private async openPage(): Promise<Page> {
    const page = await Page.open(this.browser, this.links.site.url, this.fetch);
    this.page = page;
    page.app.watchOutbox(this.convexOf(page));
    return page;
  }

  /** As much of the app's client as sending uses, heard as long as the page is there. */
  private convexOf(page: Page): ConvexReactClient {
    const { client } = this;
    const mutation: ConvexClient["mutation"] = (...call) => page.whileOpen(client.mutation(...call));
    return { mutation } as unknown as ConvexReactClient;
  }

  async send(request: TurnRequest): Promise<Turn> {
    return await submitTurn(this.client as unknown as ConvexReactClient, request);
  }

  /** Resolves when the server has answered, or when the page that asked is gone. */
  async stop(): Promise<void> {
    const { turn, pageGone } = this;
    if (turn === null) return;
    const stopping = this.client.mutation(api.messages.stop, { messageId: turn.messageId });
    await Promise.race([stopping, pageGone.promise]);
  }

  async deleteChat(): Promise<void> {
    const { turn, pageGone } = this;
    if (turn === null) return;
    const deleting = this.client.mutation(api.chats.deleteChat, { chatId: turn.chatId });
    await Promise.race([deleting, pageGone.promise]);
  }

  async restoreChat(): Promise<void> {
    if (this.turn !== null) await this.client.mutation(api.chats.restoreChat, { chatId: this.turn.chatId });
  }

  /** Shows the reply, as the page of its chat does. */
  watch(turn: Turn, seed?: ReplyText): void {
    this.turn = turn;
    this.store =
      this.page?.app.replyStores.get(turn.streamId) ?? new ReplyStore({ seed, updates: nextTickUpdates() });
    this.store.subscribe(() => this.sample());
    const { reasonings } = this.evidence;
    this.reasoning = new WatchedReasoning(this.client, turn.streamId, (thoughts) =>
      reasonings.push(thoughts),
    );
    this.subscribe("list", () =>
      this.client.onUpdate(api.messages.list, { chatId: turn.chatId }, (messages) => {
        const reply = messages.find(({ _id }) => _id === turn.messageId)?.reply;
        this.isListed = reply !== undefined;
        if (!reply) return this.follow();
        this.attempt = reply.attempt;
        this.reasoning?.expect(reply.hasReasoning === true);
        this.store?.receiveHead(reply);
        this.follow();
      }),
    );
    this.follow();
  }

  /** Drives the reply, from the moment at which the message is the server's. */
  drive(turn: Turn): void {
    this.watch(turn);
    const { store } = this;
    if (this.kind.plainReader !== null) this.readPlain(turn, this.kind.plainReader.leavesAt);
    else if (store !== null) void this.driveOrLeave(store, turn);
  }

  /** Of what it reads nothing is shown: the page beside it is a spectator. */
  private readPlain({ streamId }: Turn, leavesAt: number | null): void {
    const reading: PlainReading = { text: "", end: null };
    this.plainReadings.push(reading);
    const gone = new AbortController();
    void this.pageGone.promise.then(() => gone.abort());
    const options = { streamId, leavesAt, fetch: this.fetch, signal: gone.signal };
    void readPlainText(`${this.links.site.url}/chat-stream`, reading, options);
  }

  private get fetch(): typeof fetch {
    return watchedFetch(this.posts, this.kind.hasUnknownFields);
  }

  /** As the app: a reply that this client could not begin, and that nobody else has, is left to the server. */
  private async driveOrLeave(store: ReplyStore, turn: Turn): Promise<void> {
    const outcome = await driveReply(store, {
      streamId: turn.streamId,
      runToken: mintToken(),
      url: `${this.links.site.url}/chat-stream`,
      fetch: this.fetch,
    });
    const isTaken = outcome?.kind === "refused" && outcome.httpStatus === httpConflict;
    if (outcome !== null && !store.hasDriven && !isTaken) this.askServer(turn);
  }

  private askServer({ messageId }: Turn): void {
    this.client.mutation(api.messages.leaveToServer, { messageId }).catch(() => {
      // As the app: the run may be taken by now, or the chat gone.
    });
  }

  /** What a page does with a message that an earlier page sent: it drives no reply that somebody may have begun. */
  leaveToServer(turn: Turn): void {
    this.watch(turn);
    this.askServer(turn);
  }

  /** A POST besides, of which nothing is shown; `isApart`: over a connection without faults. */
  async postBesides(runToken: string, isApart: boolean): Promise<void> {
    if (this.turn === null) return;
    const apart = isApart ? await FaultyLink.open(this.siteUrl) : null;
    const { streamId } = this.turn;
    const { url } = apart ?? this.links.site;
    await postAndForget(url, { streamId, runToken }, watchedFetch(this.posts));
    await apart?.close();
  }

  /** The token of its own POST; null before it. */
  get runToken(): string | null {
    return this.posts[0]?.runToken || null;
  }

  /** A new page in the same tab, which begins with what the old one kept. `turn` null: the message is sent again. */
  async reload(turn: Turn | null): Promise<void> {
    const kept = this.store?.unsettledText ?? null;
    await this.leavePage();
    this.links.site.heal();
    this.links.deployment.heal();
    this.client = this.connect();
    if (this.page !== null) await this.openPage();
    if (turn !== null)
      this.watch(turn, kept === null ? undefined : { ...emptyReplyText, ...kept, persistedLength: 0 });
  }

  /** The machine sleeps: its connections live, and nothing moves. */
  sleep(): void {
    this.isAsleep = true;
    for (const link of Object.values(this.links)) {
      link.hold("up");
      link.hold("down");
    }
  }

  wake(): void {
    if (!this.isAsleep) return;
    this.isAsleep = false;
    for (const link of Object.values(this.links)) link.resume();
    this.store?.wake(1_500);
  }

  /** Nothing is wrong with its network or machine any more. */
  heal(): void {
    this.wake();
    for (const link of Object.values(this.links)) link.heal();
  }

  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.evidence.isOpenAtEnd = false;
    await this.dispose();
  }

  /** Ends everything without a mark in the evidence. */
  async dispose(): Promise<void> {
    await this.leavePage();
    await Promise.all(Object.values(this.links).map((link) => link.close()));
  }

  /** What it shows of a chat that is deleted after its scenario is no evidence. */
  closeReasoning(): void {
    this.reasoning?.close();
    this.reasoning = null;
  }

  private connect(): ConvexClient {
    return new ConvexClient(this.links.deployment.url, {
      logger: false,
      unsavedChangesWarning: false,
    });
  }

  private async leavePage(): Promise<void> {
    this.pageGone.resolve();
    this.pageGone = Promise.withResolvers();
    const { store } = this;
    // First, for a store that closes says so, and the page that listened is gone.
    this.store = null;
    this.page?.leave();
    store?.close();
    for (const unsubscribe of this.unsubscribers.values()) unsubscribe();
    this.unsubscribers.clear();
    this.closeReasoning();
    // A client in mid-connection closes when it has connected or failed, which nobody waits for.
    void this.client.close();
    this.links.deployment.cut();
  }

  private sample(): void {
    const snapshot = this.store?.getSnapshot();
    if (snapshot === undefined) return;
    const { text, status, role, textKnown } = snapshot;
    this.reasoning?.hear(snapshot);
    // A page that knows nothing of the text yet shows a placeholder for it.
    if (!textKnown) return this.follow();
    const last = this.evidence.samples.at(-1);
    if (last?.text !== text || last.status !== status || last.attempt !== this.attempt) {
      this.evidence.samples.push({ atMs: Date.now(), text, status, attempt: this.attempt, role });
    }
    this.follow();
  }

  /** Reads what the store asks for, as `useReply` does. */
  private follow(): void {
    // Of a chat that is deleted the page shows no reply, which so reads nothing.
    const feed = this.isListed ? this.store?.getSnapshot().feed : "none";
    const turn = this.turn;
    if (feed === undefined || turn === null) return;
    const { streamId } = turn;
    this.want("tail", feed === "tail" || feed === "tailAndBody", () =>
      this.client.onUpdate(api.messages.getTail, { streamId }, (tail) => {
        if (this.unsubscribers.has("tail")) this.store?.receiveTail(tail);
      }),
    );
    this.want("body", feed === "body" || feed === "tailAndBody", () =>
      this.client.onUpdate(api.chats.getChatBody, { streamId }, (body) => {
        if (this.unsubscribers.has("body")) this.store?.receiveBody(body);
      }),
    );
  }

  private want(name: "tail" | "body", isWanted: boolean, subscribe: () => () => void): void {
    if (isWanted && !this.unsubscribers.has(name)) this.subscribe(name, subscribe);
    if (!isWanted && this.unsubscribers.has(name)) {
      this.unsubscribers.get(name)?.();
      this.unsubscribers.delete(name);
    }
  }

  /** The client may answer from what it knows while it subscribes. */
  private subscribe(name: "list" | "tail" | "body", subscribe: () => () => void): void {
    this.unsubscribers.set(name, () => undefined);
    const unsubscribe = subscribe();
    if (this.unsubscribers.has(name)) this.unsubscribers.set(name, unsubscribe);
    else unsubscribe();
  }
}
