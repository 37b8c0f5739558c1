/** What the browser tests run on: were it the production build, no handover would be tested under StrictMode. */
import { expect, inject, test } from "vitest";
import { ChatPage } from "../support/chatPage.ts";
import { launchBrowser } from "../support/chromium.ts";
import { noSeams, seamsOf, watchReply } from "../support/watchedReply.ts";

const stack = inject("sharedStack");

test("the app under test is React's development build in StrictMode, and its driver's reply comes with one POST", async () => {
  const browser = await launchBrowser(inject("browser"));
  const tab = await ChatPage.open(browser, stack);
  await tab.page.getByTestId("composer").waitFor();
  const mode = await tab.page.getByTestId("composer").evaluate((element) => {
    const key = Object.keys(element).find((name) => name.startsWith("__reactFiber$"));
    const fiber = (element as unknown as Record<string, { mode: number; _debugStack?: unknown }>)[key ?? ""];
    return {
      strictModeBits: (fiber?.mode ?? 0) & 0b11000,
      isDevelopment: fiber !== undefined && "_debugStack" in fiber,
    };
  });
  // React's StrictLegacyMode and StrictEffectsMode: both on, as <StrictMode> sets them.
  expect(mode).toEqual({ strictModeBits: 0b11000, isDevelopment: true });
  const reply = await watchReply(browser, stack, "text=plain tokens=120 rate=60", tab);
  expect(await seamsOf(reply)).toEqual(noSeams);
  expect(reply.driver.posts).toHaveLength(1);
  await browser.close();
});
