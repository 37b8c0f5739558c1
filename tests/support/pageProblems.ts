/**
 * What went wrong in a page without anybody's seeing it: errors that nobody caught, and all that React and the app write
 * to the console as errors. Every browser test ends with asking for them.
 */
import type { Page } from "@playwright/test";

/**
 * The browser's own notes about connections: these tests cut them on purpose, and have requests refused. The last one is
 * written where a message of the client crosses the end that the other side has made.
 */
const networkNote =
  /^Failed to load resource: |^WebSocket connection to |^WebSocket is already in CLOSING or CLOSED state\./;

const allProblems: string[] = [];

export function watchForProblems(page: Page, problems = allProblems): void {
  page.on("pageerror", (error) => problems.push(`${page.url()}: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !networkNote.test(text)) problems.push(`${page.url()}: ${text}`);
  });
}

/** Of all pages of this test file so far. */
export function pageProblems(): readonly string[] {
  return allProblems;
}
