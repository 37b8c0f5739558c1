/** A tab that wakes, is looked at again or has its network back asks its replies whether their connections live. */
import { afterEach, expect, test, vi } from "vitest";
import { ReplyStores } from "../../../src/streaming/replyStores.ts";
import { listenForWakeSignals } from "../../../src/streaming/wakeSignals.ts";

let stop: () => void = () => undefined;

afterEach(() => stop());

/** Silence in ms, for each time that the replies were asked, that their connections were granted. */
function listen(): number[] {
  const tolerated: number[] = [];
  const stores = new ReplyStores();
  vi.spyOn(stores, "wake").mockImplementation((silenceMs) => void tolerated.push(silenceMs));
  stop = listenForWakeSignals(stores);
  return tolerated;
}

function pageshow(persisted: boolean): Event {
  return Object.assign(new Event("pageshow"), { persisted });
}

test("a page out of the back-forward cache has lost its connections for certain, a new one has none", () => {
  const tolerated = listen();
  window.dispatchEvent(pageshow(false));
  expect(tolerated).toEqual([]);
  window.dispatchEvent(pageshow(true));
  expect(tolerated).toEqual([0]);
});

test("a tab that is shown again, and one that is online again, give up a connection that has been silent", () => {
  const tolerated = listen();
  document.dispatchEvent(new Event("visibilitychange"));
  window.dispatchEvent(new Event("online"));
  expect(tolerated).toEqual([6_000, 1_500]);
});

test("who has stopped listening asks no more", () => {
  const tolerated = listen();
  stop();
  window.dispatchEvent(pageshow(true));
  window.dispatchEvent(new Event("online"));
  document.dispatchEvent(new Event("visibilitychange"));
  expect(tolerated).toEqual([]);
});
