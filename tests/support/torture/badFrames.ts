/** Frames of a WebSocket as RFC 6455 has them, and as it does not, with the code that a connection is closed with over each. */
import type { Dice } from "./dice.ts";
import { connectMessage } from "./badMessages.ts";

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

export interface BadFraming {
  make: (dice: Dice) => Buffer;
  /** With which the server may close the connection (RFC 6455, 7.4.1); null: without a code. */
  closedWith: readonly (number | null)[];
}

const text = Buffer.from(JSON.stringify(connectMessage));
const { continuation, text: textCode, binary, close, ping, pong } = opcodes;
const protocolError = [1002];
const invalidText = [1007];
const policyViolation = [1008];
const tooLarge = [1009];
/** All is well: the client's own close is answered. */
const normalClosure = [1000];

export const badFramings: Readonly<Record<string, BadFraming>> = {
  "not masked": { make: () => frame(textCode, text, { masked: false }), closedWith: protocolError },
  "reserved bits, compression's among them": {
    make: (dice) => frame(textCode, text, { reserved: 1 + dice.below(7) }),
    closedWith: protocolError,
  },
  "an unknown opcode": { make: (dice) => frame(3 + dice.below(5), text), closedWith: protocolError },
  "a continuation of nothing": { make: () => frame(continuation, text), closedWith: protocolError },
  "a binary message": { make: () => frame(binary, text), closedWith: policyViolation },
  "text that is not UTF-8": {
    make: () => frame(textCode, Buffer.from([0xff, 0xfe, 0xfd])),
    closedWith: invalidText,
  },
  "a long ping": { make: () => frame(ping, Buffer.alloc(126)), closedWith: protocolError },
  "half a ping": { make: () => frame(ping, text, { final: false }), closedWith: protocolError },
  "a close code of any value": {
    make: (dice) => frame(close, Buffer.from([dice.below(256), dice.below(256)])),
    // Its own where it is one that may be sent.
    closedWith: [1000, 1001, 1002, 1003, ...range(1007, 1015), ...range(3000, 5000)],
  },
  "a close whose reason is not UTF-8": {
    make: () => frame(close, Buffer.from([0x03, 0xe8, 0xff])),
    closedWith: invalidText,
  },
  "a close of one byte": { make: () => frame(close, Buffer.from([1])), closedWith: protocolError },
  "a message behind the close": {
    make: () => Buffer.concat([frame(close, Buffer.alloc(0)), frame(textCode, text)]),
    closedWith: [null],
  },
  "a message within another": {
    make: () => Buffer.concat([frame(textCode, text, { final: false }), frame(textCode, text)]),
    closedWith: protocolError,
  },
  "a message in pieces, with pongs and pings between": {
    make: (dice) => {
      const cut = dice.below(text.length);
      const [front, back] = [text.subarray(0, cut), text.subarray(cut)];
      const between = Array.from({ length: dice.below(50) }, () =>
        frame(dice.pick([ping, pong]), Buffer.alloc(9)),
      );
      return Buffer.concat([frame(textCode, front, { final: false }), ...between, frame(continuation, back)]);
    },
    closedWith: normalClosure,
  },
  "pieces of nothing": {
    make: (dice) =>
      Buffer.concat([
        frame(textCode, Buffer.alloc(0), { final: false }),
        ...Array.from({ length: dice.below(2_000) }, () =>
          frame(continuation, Buffer.alloc(0), { final: false }),
        ),
        frame(continuation, text),
      ]),
    closedWith: normalClosure,
  },
  "a length beyond all numbers that never comes": {
    make: () =>
      Buffer.concat([Buffer.from([0x81, 0xff, 0x7f, ...Array<number>(7).fill(0xff)]), Buffer.alloc(4)]),
    closedWith: tooLarge,
  },
  "a length of two gigabytes that never comes": {
    make: () =>
      Buffer.concat([Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(4)]),
    closedWith: tooLarge,
  },
  noise: {
    make: (dice) => Buffer.from(Array.from({ length: 200 }, () => dice.below(256))),
    closedWith: [null, ...range(1000, 1015)],
  },
};

function range(from: number, below: number): number[] {
  return Array.from({ length: below - from }, (_, index) => from + index);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
