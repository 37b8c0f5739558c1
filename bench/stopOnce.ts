/** One Stop: `node bench/stopOnce.ts <variant> <app folder>` prints the milliseconds it took as its last line. */
import { setTimeout as delay } from "node:timers/promises";
import type { LoggedRequest } from "../demo/requestLog.ts";
import { ChatPage } from "../tests/support/chatPage.ts";
import { findBrowser, launchBrowser } from "../tests/support/chromium.ts";
import { startStack, type StackAddresses } from "../tests/support/stack.ts";

export const stopVariants = {
  "driver, while it writes": { by: "driver", directives: "tokens=2000 rate=40", shown: 400 },
  "second tab, while it writes": { by: "spectator", directives: "tokens=2000 rate=40", shown: 400 },
  "driver, model silent": { by: "driver", directives: "tokens=300 rate=80 stallAfter=60", shown: 250 },
  "second tab, model silent": { by: "spectator", directives: "tokens=300 rate=80 stallAfter=60", shown: 250 },
  "driver, before the first token": { by: "driver", directives: "tokens=300 stallAfter=0", shown: 0 },
} as const;

export type StopVariant = keyof typeof stopVariants;

/** Between the moment at which a reply is where the variant wants it and the click; silences begin to last. */
const settleMs = 1_500;

/** The page's clock, which is this machine's and so the demo server's too. */
function clickedAtMs({ page }: ChatPage): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const clicked = (event: MouseEvent) => resolve(performance.timeOrigin + event.timeStamp);
        addEventListener("click", clicked, { capture: true, once: true });
      }),
  );
}

/** When the model's server saw that the deployment had left. */
async function leftAtMs({ demoUrl }: StackAddresses): Promise<number> {
  for (;;) {
    const requests = (await (await fetch(`${demoUrl}/control/requests`)).json()) as LoggedRequest[];
    const endedAtMs = requests[0]?.endedAtMs;
    if (endedAtMs) return endedAtMs;
    await delay(20);
  }
}

async function measureStop(variant: StopVariant, appFolder: string): Promise<number> {
  const { by, directives, shown } = stopVariants[variant];
  const [stack, browser] = await Promise.all([startStack(appFolder), findBrowser().then(launchBrowser)]);
  try {
    const driver = await ChatPage.open(browser, stack.addresses);
    await driver.send(`Tell me about rivers. [demo text=plain ${directives}]`);
    await driver.streamId();
    const spectator = await ChatPage.open(browser, stack.addresses, driver.path);
    const tabs = { driver, spectator };
    await Promise.all([driver, spectator].map((tab) => (shown === 0 ? tab.seesSilence() : tab.sees(shown))));
    await delay(settleMs);
    const clicked = clickedAtMs(tabs[by]);
    await tabs[by].stop();
    const [clickedAt, leftAt] = await Promise.all([clicked, leftAtMs(stack.addresses)]);
    return leftAt - clickedAt;
  } finally {
    await browser.close();
    await stack.close();
  }
}

const [variant = "", appFolder = ""] = process.argv.slice(2);
if (import.meta.main) {
  if (!Object.hasOwn(stopVariants, variant))
    throw new Error(`“${variant}” is none of ${Object.keys(stopVariants).join("; ")}`);
  process.stdout.write(`${await measureStop(variant as StopVariant, appFolder)}\n`);
}
