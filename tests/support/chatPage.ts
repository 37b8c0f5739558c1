/** The app in a tab, in the words of a person: open, send, read the reply. */
import { randomUUID } from "node:crypto";
import type { Browser, Locator, Page } from "@playwright/test";
import type { RunStatus } from "../../convex/shared/streamEvents.ts";
import type { StackAddresses } from "./stack.ts";
import { noteTab } from "./tabsOfTest.ts";
import { sampleReplies, seenReply, type SeenReply } from "./replySampler.ts";
import { watchForProblems } from "./pageProblems.ts";

const replyTimeoutMs = 90_000;

export class ChatPage {
  readonly page: Page;
  /** In the headers of every connection that this browser opens, so that a proxy can tell them. */
  readonly browserId: string;
  /** Bodies of the POSTs to /chat-stream that this tab made. */
  readonly posts: string[] = [];

  private constructor(page: Page, browserId: string) {
    this.page = page;
    this.browserId = browserId;
    watchForProblems(page);
    page.on("request", (request) => {
      if (request.method() === "POST" && new URL(request.url()).pathname === "/chat-stream") {
        this.posts.push(request.postData() ?? "");
      }
    });
  }

  /** In a context of its own: another person's browser, or another device. */
  static async open(browser: Browser, { appUrl }: StackAddresses, path = "/"): Promise<ChatPage> {
    const browserId = `duet-test/${randomUUID()}`;
    const context = await browser.newContext({ baseURL: appUrl, userAgent: browserId });
    noteTab(context);
    await sampleReplies(context);
    const chatPage = new ChatPage(await context.newPage(), browserId);
    await chatPage.page.goto(path);
    return chatPage;
  }

  /** Another tab of the same browser; its page is still to be opened. */
  async newTab(): Promise<ChatPage> {
    return new ChatPage(await this.page.context().newPage(), this.browserId);
  }

  /** The path of the chat that is open, to open it elsewhere. */
  get path(): string {
    return new URL(this.page.url()).pathname;
  }

  async send(text: string): Promise<void> {
    await this.page.getByTestId("composer").fill(text);
    await this.page.getByTestId("send").click();
  }

  /** The newest reply. */
  get reply(): Locator {
    return this.page.locator("[data-testid=message][data-role=assistant]").last();
  }

  get replyText(): Locator {
    return this.reply.getByTestId("message-text");
  }

  /** The stream id of the newest reply, once the server has given it one. */
  async streamId(): Promise<string> {
    const reply = this.page.locator(
      "[data-testid=message][data-role=assistant][data-stream-id]:not([data-stream-id=''])",
    );
    await reply.last().waitFor({ state: "attached", timeout: replyTimeoutMs });
    return (await reply.last().getAttribute("data-stream-id")) ?? "";
  }

  /** Characters that the newest reply shows. */
  async shownLength(): Promise<number> {
    const [text] = (await this.replyText.allTextContents()).slice(-1);
    return text?.length ?? 0;
  }

  /** Settles when the newest reply shows so many characters. */
  async sees(characters: number): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const texts = document.querySelectorAll("[data-role=assistant] [data-testid=message-text]");
        return ([...texts].at(-1)?.textContent.length ?? 0) >= wanted;
      },
      characters,
      { timeout: replyTimeoutMs, polling: "raf" },
    );
  }

  /** Settles when there are so many replies and the newest has this status and, if it has ended, all of its text. */
  async seesStatus(status: RunStatus, replies = 1): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => {
        const all = document.querySelectorAll<HTMLElement>("[data-testid=message][data-role=assistant]");
        const newest = [...all].at(-1);
        // While the text of an ended reply is on its way, a skeleton stands in its place or hides it.
        const isShown = newest?.querySelector("[data-testid=message-text]")?.checkVisibility() === true;
        return all.length >= wanted.replies && isShown && newest?.dataset["status"] === wanted.status;
      },
      { status, replies },
      { timeout: replyTimeoutMs, polling: "raf" },
    );
  }

  /** All that was seen of a reply, frame by frame. */
  seen(streamId: string): Promise<SeenReply[]> {
    return seenReply(this.page, streamId);
  }

  /** Settles when the newest reply says that the model has the question and has not answered yet. */
  async seesSilence(): Promise<void> {
    await this.seesWords(/^(?:Waiting for the model|Thinking)…$/);
  }

  /** Settles when the newest reply says these words. */
  async seesWords(words: string | RegExp): Promise<void> {
    await this.reply
      .getByTestId("reply-state")
      .filter({ hasText: words })
      .waitFor({ timeout: replyTimeoutMs });
  }

  async stop(): Promise<void> {
    await this.page.getByTestId("stop").click({ timeout: replyTimeoutMs });
  }

  /** Closes the tab with everything in it, as a person does. */
  async close(): Promise<void> {
    await this.page.context().close();
  }
}
