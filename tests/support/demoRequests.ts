/** What the demo server was asked and sent, as its control endpoint tells. */
import { randomBytes } from "node:crypto";
import { vi } from "vitest";
import type { LoggedRequest } from "../../demo/requestLog.ts";

/** A message that no other test sends; `directives` as in demo/README.md. */
export function uniqueAsk(topic: string, directives = ""): string {
  const marker = `${topic} ${randomBytes(3).toString("hex")}`;
  return `Tell me about ${marker}${directives === "" ? "" : ` [demo ${directives}]`}`;
}

/** The requests whose conversation has `ask` in it, oldest first. */
export async function demoRequests(demoUrl: string, ask: string): Promise<LoggedRequest[]> {
  const response = await fetch(`${demoUrl}/control/requests`);
  const requests = (await response.json()) as LoggedRequest[];
  return requests.filter(({ messages }) => messages.some(({ text }) => text.includes(ask)));
}

/**
 * Lets the reply to `ask` go on that its directive `holdAfter` has stopped, or will stop, in the middle. A run that was
 * taken over meanwhile may come to its end without a hold.
 */
export async function releaseReply(demoUrl: string, ask: string): Promise<void> {
  const held = await vi.waitFor(
    async () => {
      const requests = await demoRequests(demoUrl, ask);
      const request = requests.find(
        ({ state, isContinuation }) => state === "onHold" || (isContinuation && state === "finished"),
      );
      if (request === undefined) {
        throw new Error(`no reply to “${ask}” is on hold`);
      }
      return request;
    },
    { timeout: 60_000, interval: 50 },
  );
  await fetch(`${demoUrl}/control/release?id=${held.id}`, { method: "POST" });
}

/** Settles when the model has said all it has to say to `ask`. */
export async function replyIsSent(demoUrl: string, ask: string): Promise<void> {
  await vi.waitUntil(async () => (await demoRequests(demoUrl, ask)).at(-1)?.state === "finished", {
    timeout: 60_000,
    interval: 50,
  });
}
