import { expect, test } from "vitest";
import { decodeClientMessage } from "../../../embedded/sync/decodeClientMessage.ts";

const adminKey = { text: "", matches: () => false };
const connect = (clientTs: string): string =>
  `{"type":"Connect","sessionId":"1f7e3c1e-0000-4000-8000-00000000bad0","clientTs":${clientTs}}`;

test.each([
  ["1700000000000", 1_700_000_000_000],
  ["1e999", null],
  ["-1e999", null],
  ['"now"', null],
])(
  "the clock of a client that says %s is known as %s: what is no number has no place in a Transition",
  (said, known) => {
    expect(decodeClientMessage(connect(said), adminKey)).toMatchObject({ clientTs: known });
  },
);
