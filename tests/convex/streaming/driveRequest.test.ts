import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refusalResponse } from "../../../convex/streaming/driveRefusal.ts";
import { readDriveRequest } from "../../../convex/streaming/driveRequest.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A request whose body begins with `text` and then goes on as its sender likes. */
function openRequest(text: string) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const send = (part: string) => writer.write(new TextEncoder().encode(part)).catch(() => undefined);
  void send(text);
  const init: RequestInit & { duplex: "half" } = { method: "POST", body: readable, duplex: "half" };
  return { request: new Request("http://duet.test/chat-stream", init), writer, send };
}

test("a body that never comes to its end holds its action for twenty seconds, also if it goes on byte by byte", async () => {
  const { request, send } = openRequest('{"streamId":"');
  let response: Response | null = null;
  readDriveRequest(request).catch((error: unknown) => {
    response = refusalResponse(error, new Headers());
  });
  for (let seconds = 0; seconds < 20; seconds++) {
    void send("x");
    await vi.advanceTimersByTimeAsync(1_000);
  }
  expect(response).toMatchObject({ status: 408 });
  // Not one of the app's rules: the sender's other way, or another try, may well succeed.
  const refusal: unknown = await (response as Response | null)?.json();
  expect(refusal).toMatchObject({ kind: "internal", message: expect.stringContaining("20 s") });
});

test("a body that comes slowly is read to its end, and nothing waits for it any more", async () => {
  const { request, writer, send } = openRequest('{"streamId":');
  const reading = readDriveRequest(request);
  await vi.advanceTimersByTimeAsync(15_000);
  void send('"stream-1"}');
  void writer.close();
  expect(await reading).toEqual({ kind: "reply", streamId: "stream-1", driverToken: undefined });
  expect(vi.getTimerCount()).toBe(0);
});
