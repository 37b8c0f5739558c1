import { describe, expect, test } from "vitest";
import { createSseParser, type SseMessage } from "../../../src/streaming/sseParser.ts";
import { seededRandom } from "./random.ts";

function parse(chunks: string[]): SseMessage[] {
  const parser = createSseParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
}

const stream = [
  "\uFEFF: hello\n",
  'event: start\nid: 1.0\ndata: {"attempt":1,"from":0}\n\n',
  "event: text\r\nid: 1.1\r\ndata: one\r\ndata:two\r\n\r\n",
  ": ping\n\n",
  "data:  spaced\rid: 1.2\r\r",
  "event: nothing\n\n",
  "data\n\n",
  "data: 日本 😀\nunknown: field\n\n",
  "data: never closed\n",
].join("");

const expected: SseMessage[] = [
  { event: "start", data: '{"attempt":1,"from":0}' },
  { event: "text", data: "one\ntwo" },
  { event: "message", data: " spaced" },
  { event: "message", data: "" },
  { event: "message", data: "日本 😀" },
];

describe("the SSE parser", () => {
  test("reads all three line ends and many data lines, passes over comments and ids, drops an event without its empty line", () => {
    expect(parse([stream])).toEqual(expected);
  });

  test("reads the same events from single characters", () => {
    expect(parse(stream.split(""))).toEqual(expected);
  });

  test("reads the same events from any pieces", () => {
    const differing = Array.from({ length: 300 }, (_, seed) => seed).filter(
      (seed) => JSON.stringify(parse(seededRandom(seed).pieces(stream, 9))) !== JSON.stringify(expected),
    );
    expect(differing).toEqual([]);
  });

  test("takes a CRLF that is cut in two for one line end", () => {
    expect(parse(["data: a\r", "\ndata: b\r", "\n\r", "\n"])).toEqual([{ event: "message", data: "a\nb" }]);
  });
});
