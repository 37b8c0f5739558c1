import { afterEach, expect, test, vi } from "vitest";
import { BodySink, plainTextFormat, sseFormat } from "../../../convex/streaming/bodySink.ts";

const read = async (sink: BodySink) => await new Response(sink.body).text();

test("events carry their kind, attempt and number, and JSON that may hold line ends", async () => {
  const sink = new BodySink(sseFormat, 2);
  sink.send({ kind: "start", attempt: 2, from: 7 });
  sink.send({ kind: "text", offset: 7, text: "one\n\ntwo" });
  sink.ping();
  sink.close();
  expect(await read(sink)).toBe(
    'event: start\nid: 2.0\ndata: {"kind":"start","attempt":2,"from":7}\n\n' +
      'event: text\nid: 2.1\ndata: {"kind":"text","offset":7,"text":"one\\n\\ntwo"}\n\n' +
      ": ping\n\n",
  );
});

test("plain text begins with what an earlier attempt persisted, and has no pings", async () => {
  const sink = new BodySink(plainTextFormat("Half "), 2);
  sink.send({ kind: "start", attempt: 2, from: 5 });
  sink.ping();
  sink.send({ kind: "reasoning", offset: 0, text: "Hm." });
  sink.send({ kind: "text", offset: 5, text: "of it." });
  sink.send({ kind: "done", status: "complete", length: 11 });
  sink.close();
  expect(await read(sink)).toBe("Half of it.");
});

test("plain text without a done breaks off, so that its end is not taken for the reply's", async () => {
  const sink = new BodySink(plainTextFormat(""), 1);
  sink.send({ kind: "text", offset: 0, text: "Half" });
  sink.close();
  await expect(read(sink)).rejects.toThrow("broke off");
});

test("plain text without the beginning, which was too long to be given, breaks off before its first word", async () => {
  const sink = new BodySink(plainTextFormat(null), 2);
  sink.send({ kind: "start", attempt: 2, from: 600_000 });
  sink.send({ kind: "text", offset: 600_000, text: "The rest." });
  sink.send({ kind: "done", status: "complete", length: 600_009 });
  sink.close();
  await expect(read(sink)).rejects.toThrow("broke off");
});

test("a client that reads nothing is dropped after 256 kB, without a word that could pass for an end", async () => {
  const sink = new BodySink(sseFormat, 1);
  for (let index = 0; index < 1_000; index++) {
    sink.send({ kind: "text", offset: index * 1_000, text: "x".repeat(1_000) });
  }
  sink.send({ kind: "done", status: "complete", length: 1_000_000 });
  const body = await read(sink);
  expect(body.length).toBeGreaterThan(256 * 1024);
  expect(body.length).toBeLessThan(300 * 1024);
  expect(body).not.toContain("event: done");
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test("a platform that ended the body by itself, without a word, does not disturb the reply", () => {
  const refuse = () => {
    throw new TypeError("Invalid state");
  };
  for (const desiredSize of [1, null]) {
    const controller = { desiredSize, enqueue: refuse, close: refuse, error: refuse };
    vi.stubGlobal("ReadableStream", function Stream(source: { start(given: typeof controller): void }) {
      source.start(controller);
    });
    for (const format of [sseFormat, plainTextFormat("")]) {
      const sink = new BodySink(format, 1);
      expect(() => {
        sink.send({ kind: "text", offset: 0, text: "Nobody reads this." });
        sink.ping();
        sink.close();
      }).not.toThrow();
    }
  }
});

test("a client that is gone takes nothing more, and closing twice is safe", async () => {
  const sink = new BodySink(sseFormat, 1);
  await sink.body.cancel();
  sink.send({ kind: "text", offset: 0, text: "Nobody reads this." });
  expect(() => {
    sink.close();
    sink.close();
  }).not.toThrow();
});
