/** What no sync client of good will sends over its WebSocket: messages of wrong shape and order, and frames that are none. */
import type { Dice } from "./dice.ts";
import { mangled, nastyJson, nastyValue, spoiled } from "./nastyValues.ts";

const sessionId = "1f7e3c1e-0000-4000-8000-00000000bad0";
const connect = {
  type: "Connect",
  sessionId,
  connectionCount: 0,
  lastCloseReason: null,
  clientTs: 0,
  maxObservedTimestamp: "AAAAAAAAAAA=",
};
const add = {
  type: "Add",
  queryId: 0,
  udfPath: "notes:list",
  args: [{ board: "bad" }],
  journal: null,
  componentPath: "",
};

const messages: readonly Record<string, unknown>[] = [
  connect,
  { type: "Authenticate", tokenType: "None", baseVersion: 0 },
  { type: "Authenticate", tokenType: "User", value: "a.b.c", baseVersion: 0 },
  {
    type: "Authenticate",
    tokenType: "Admin",
    value: "embedded|0",
    baseVersion: 0,
    impersonating: { name: "x" },
  },
  { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications: [add, { ...add, queryId: 1 }] },
  { type: "ModifyQuerySet", baseVersion: 1, newVersion: 2, modifications: [{ type: "Remove", queryId: 0 }] },
  {
    type: "Mutation",
    requestId: 0,
    udfPath: "notes:add",
    args: [{ board: "bad", text: "x" }],
    componentPath: "",
  },
  { type: "Action", requestId: 1, udfPath: "notes:shout", args: [{ board: "bad", text: "x" }] },
  { type: "Event", eventType: "ClientConnect", event: [] },
];

/** A few messages in a row, some of them well formed. */
export function badMessages(dice: Dice): Buffer[] {
  const texts = dice.chance(0.6) ? [JSON.stringify(connect)] : [];
  for (let count = 1 + dice.below(3); count > 0; count--) {
    const message = dice.pick(messages);
    if (dice.chance(0.05)) texts.push(nastyJson(nastyValue(dice)));
    else texts.push(nastyJson(dice.chance(0.75) ? spoiled(message, dice) : message));
  }
  return texts.map((text) => mangled(text, dice));
}

/** Adds more queries than a page has, or the same one again and again. */
export function giantQuerySet(count: number, sameId: boolean): Buffer[] {
  const modifications = Array.from({ length: count }, (_, queryId) => ({
    ...add,
    queryId: sameId ? 0 : queryId,
    args: [{ board: `board ${queryId}` }],
  }));
  const modify = { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications };
  return [connect, modify].map((message) => Buffer.from(JSON.stringify(message)));
}

/** One frame as RFC 6455 has it, and as it should not be. */
export function frame(
  opcode: number,
  payload: Buffer,
  { final = true, masked = true, reserved = 0 } = {},
): Buffer {
  const first = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([first, maskBit | length])
      : length < 65_536
        ? Buffer.from([first, maskBit | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([first, maskBit | 127, 0, 0, 0, 0]), uint32(length)]);
  // A mask of zeros leaves the payload as it is.
  return masked ? Buffer.concat([head, Buffer.alloc(4), payload]) : Buffer.concat([head, payload]);
}

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

export function badFrames(dice: Dice): Buffer {
  const text = Buffer.from(JSON.stringify(connect));
  const { continuation, text: textCode, binary, close, ping, pong } = opcodes;
  const options: (() => Buffer)[] = [
    () => frame(textCode, text, { masked: false }),
    () => frame(textCode, text, { reserved: 1 + dice.below(7) }),
    () => frame(3 + dice.below(5), text),
    () => frame(continuation, text),
    () => frame(binary, text),
    () => frame(textCode, Buffer.from([0xff, 0xfe, 0xfd])),
    () => frame(ping, Buffer.alloc(126)),
    () => frame(ping, text, { final: false }),
    () => frame(close, Buffer.from([dice.below(256), dice.below(256), 0xff])),
    () => frame(close, Buffer.from([1])),
    () => Buffer.concat([frame(close, Buffer.alloc(0)), frame(textCode, text)]),
    () => Buffer.concat([frame(textCode, text, { final: false }), frame(textCode, text)]),
    () =>
      Buffer.concat([
        frame(textCode, text, { final: false }),
        frame(pong, Buffer.alloc(0)),
        frame(continuation, Buffer.alloc(0)),
      ]),
    // Lengths that are announced and never come.
    () =>
      Buffer.concat([
        Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        Buffer.alloc(4),
      ]),
    () => Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(4)]),
    () => Buffer.from(Array.from({ length: 200 }, () => dice.below(256))),
  ];
  return dice.pick(options)();
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
