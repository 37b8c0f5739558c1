/** What a page without a network says covers nothing of what stands on it. */
import type { Browser } from "@playwright/test";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { uniqueAsk } from "../support/demoRequests.ts";

const stack = inject("sharedStack");
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser(inject("browser"));
});
afterAll(() => browser.close());

test.concurrent.each([
  ["a laptop", { width: 1280, height: 720 }],
  ["a phone", { width: 390, height: 780 }],
])(
  "the notice of a lost network stands beside the messages on %s, and goes with it",
  async (_on, viewport) => {
    const { page, ...tab } = await openWithReply(viewport);
    const first = page.getByTestId("message").first();
    const notice = page.getByTestId("connection-notice");
    await page.context().setOffline(true);
    await notice.waitFor();
    const [noticeBox, firstBox] = [await notice.boundingBox(), await first.boundingBox()];
    expect((noticeBox?.y ?? Number.NaN) + (noticeBox?.height ?? 0)).toBeLessThanOrEqual(
      firstBox?.y ?? Number.NaN,
    );
    expect(noticeBox?.y).toBeGreaterThanOrEqual(await tab.headerEnd());
    await page.context().setOffline(false);
    await notice.waitFor({ state: "detached" });
  },
);

async function openWithReply(viewport: { width: number; height: number }) {
  const tab = await ChatPage.open(browser, stack);
  const { page } = tab;
  await page.setViewportSize(viewport);
  await tab.send(uniqueAsk("notices", "text=plain tokens=20 rate=0"));
  await tab.seesStatus("complete");
  /** Below the bar on top of a narrow screen. */
  const headerEnd = async () => {
    const header = await page.locator("header").all();
    const box = await header[0]?.boundingBox();
    return box ? box.y + box.height : 0;
  };
  return { page, headerEnd };
}
