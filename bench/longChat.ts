/**
 * `npm run bench:long-chat [-- CHECKOUT …]`: how a chat of 500 messages opens, takes typing and shows a reply of 200 tokens a
 * second, in Chromium, on a production build of this checkout beside those of the others named. Each run has a deployment
 * and a browser of its own; the checkouts alternate; the table gives the median and every value.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CDPSession, Page } from "@playwright/test";
import { ConvexHttpClient } from "convex/browser";
import { api } from "../convex/_generated/api.js";
import { buildApp } from "../tests/support/builtApp.ts";
import { findBrowser, launchBrowser, type InstalledBrowser } from "../tests/support/chromium.ts";
import { rootFolder } from "../tests/support/serviceProcess.ts";
import { startStack, type StackAddresses } from "../tests/support/stack.ts";
import { callAsAdmin } from "../tests/support/storedRows.ts";

const turns = 250;
const keys = 60;
const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3);
const ask = "Tell me about rivers. [demo tokens=1500 rate=200]";

const paragraphs = [
  "## A heading\n\nSome **bold** words, some *stressed* ones, `code` and [a link](https://example.com/a) in a sentence that is long enough to wrap.",
  "- first point with `code`\n- second point\n  - below it\n- third point, which says a little more than the others",
  "```ts\nexport function add(left: number, right: number): number {\n  // Adds.\n  return left + right;\n}\n```",
  "| name | length | ends in |\n|---|---|---|\n| Rhine | 1,233 km | the North Sea |\n| Danube | 2,850 km | the Black Sea |",
  "A closing paragraph in plain words. ".repeat(8),
];
const reply = [...paragraphs, ...paragraphs].join("\n\n");

/** Milliseconds, unless the name says otherwise. */
type Measured = Record<string, number>;

async function seedChat(addresses: StackAddresses): Promise<string> {
  const client = new ConvexHttpClient(addresses.deploymentUrl);
  let turn = await client.mutation(api.chats.createChat, { prompt: "Tell me everything about rivers." });
  for (let index = 0; index < turns; index += 1) {
    const token = `seed-token-${index}`;
    await callAsAdmin(addresses, "mutation", "runs:claim", { streamId: turn.streamId, token, by: "server" });
    await callAsAdmin(addresses, "mutation", "runs:append", { token, from: 0, text: reply });
    const end = { status: "complete", finishReason: "stop", usage: null, costUsd: null };
    await callAsAdmin(addresses, "mutation", "runs:finish", { token, text: reply, ...end });
    if (index === turns - 1) break;
    const text = `And what else is there to say, for the time number ${index}?`;
    const request = { chatId: turn.chatId, text, clientRequestId: `seed-${index}` };
    turn = await client.mutation(api.messages.send, request);
  }
  return turn.chatId;
}

/** Starts a list of frame lengths; the function returned ends it. */
async function sampleFrames(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const frames: number[] = [];
    let last = performance.now();
    const next = () => {
      const now = performance.now();
      frames.push(now - last);
      last = now;
      (window as unknown as { frames: number[] | null }).frames = frames;
      (window as unknown as { sampling: number }).sampling = requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  return () =>
    page.evaluate(() => {
      const sampled = window as unknown as { frames: number[]; sampling: number };
      cancelAnimationFrame(sampled.sampling);
      return sampled.frames.slice(1);
    });
}

/** What the renderer's main thread has spent so far, by its own profile. */
async function spent(profile: CDPSession): Promise<Measured> {
  const { metrics } = await profile.send("Performance.getMetrics");
  return Object.fromEntries(metrics.map(({ name, value }) => [name, value * 1_000]));
}

function framesOf(what: string, frames: readonly number[]): Measured {
  const sorted = frames.toSorted((one, other) => one - other);
  return {
    [`${what}: frame, 95th percentile`]: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
    [`${what}: longest frame`]: sorted.at(-1) ?? 0,
    [`${what}: frames above 50 ms, number`]: frames.filter((ms) => ms > 50).length,
  };
}

async function measureOpening(page: Page, profile: CDPSession, url: string): Promise<Measured> {
  const begun = performance.now();
  await page.goto(url);
  await page.waitForFunction(() => {
    const texts = document.querySelectorAll("[data-role=assistant] [data-testid=message-text]");
    return texts.length > 0 && [...texts].at(-1)?.querySelector("table") !== null;
  });
  const openMs = performance.now() - begun;
  const { TaskDuration = 0 } = await spent(profile);
  const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
  return {
    "opening: until the newest reply is shown": openMs,
    "opening: main thread busy until then": TaskDuration,
    "opening: elements in the page then, number": nodes,
  };
}

async function measureTyping(page: Page, profile: CDPSession, what: string): Promise<Measured> {
  const composer = page.getByTestId("composer");
  await composer.focus();
  const endSampling = await sampleFrames(page);
  const before = await spent(profile);
  for (let key = 0; key < keys; key += 1) await page.keyboard.press("a");
  const after = await spent(profile);
  const frames = framesOf(what, await endSampling());
  const perKey = ((after["TaskDuration"] ?? 0) - (before["TaskDuration"] ?? 0)) / keys;
  return { [`${what}: main thread busy a key`]: perKey, ...frames };
}

async function measureReply(page: Page, profile: CDPSession): Promise<Measured> {
  await page.getByTestId("composer").fill(ask);
  await page.getByTestId("send").click();
  await page.waitForFunction(() => {
    const replies = document.querySelectorAll("[data-role=assistant][data-status=running]");
    return ([...replies].at(-1)?.textContent.length ?? 0) > 200;
  });
  const before = await spent(profile);
  const begun = performance.now();
  const endSampling = await sampleFrames(page);
  await page.waitForFunction(() => document.querySelector("[data-status=running]") === null);
  const frames = framesOf("reply", await endSampling());
  const after = await spent(profile);
  const busy = (name: string) =>
    (((after[name] ?? 0) - (before[name] ?? 0)) / (performance.now() - begun)) * 100;
  return {
    ...frames,
    "reply: main thread busy, %": busy("TaskDuration"),
    "reply: of it script, %": busy("ScriptDuration"),
    "reply: of it style and layout, %": busy("LayoutDuration") + busy("RecalcStyleDuration"),
  };
}

async function measure(installed: InstalledBrowser, appFolder: string): Promise<Measured> {
  const stack = await startStack(appFolder);
  const browser = await launchBrowser(installed);
  try {
    const chatId = await seedChat(stack.addresses);
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const profile = await page.context().newCDPSession(page);
    await profile.send("Performance.enable");
    const opening = await measureOpening(page, profile, `${stack.addresses.appUrl}/c/${chatId}`);
    const typing = await measureTyping(page, profile, "typing at once");
    const written = await measureReply(page, profile);
    const later = await measureTyping(page, profile, "typing later");
    return { ...opening, ...typing, ...written, ...later };
  } finally {
    await browser.close();
    await stack.close();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const checkouts = [rootFolder, ...process.argv.slice(2)];
const outFolder = await mkdtemp(join(tmpdir(), "duet-long-chat-"));
const apps = checkouts.map((_, index) => join(outFolder, String(index)));
for (const [index, app] of apps.entries()) await buildApp(app, "production", checkouts[index]);
const installed = await findBrowser();
const results: Measured[][] = apps.map(() => []);
for (let round = 0; round < rounds; round += 1) {
  const order = [...apps.entries()];
  for (const [index, app] of round % 2 === 0 ? order : order.toReversed()) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${checkouts[index]}\n`);
    results[index]?.push(await measure(installed, app));
  }
}
await rm(outFolder, { recursive: true, force: true });

process.stdout.write(
  `A chat of ${turns * 2} messages, ${reply.length} characters a reply; ${rounds} rounds.\n\n`,
);
process.stdout.write(`| ms | ${checkouts.join(" | ")} |\n|---|${checkouts.map(() => "---|").join("")}\n`);
for (const label of Object.keys(results[0]?.[0] ?? {})) {
  const cells = results.map((measured) => {
    const values = measured.map((one) => one[label] ?? Number.NaN);
    return `**${median(values).toFixed(0)}** (${values.map((value) => value.toFixed(0)).join(", ")})`;
  });
  process.stdout.write(`| ${label} | ${cells.join(" | ")} |\n`);
}
