/**
 * What a query or a mutation gets instead of clock, randomness and thread pool: all of it follows from the arguments and
 * is there at once.
 */
import { createHash } from "node:crypto";
import type { DeterministicInputs } from "./prelude/determinism.ts";
import type { RealmEnvironment } from "./realm.ts";
import { NeedsRandomness, syncSubtleCrypto } from "./syncSubtleCrypto.ts";

const subtleMethods = Object.keys(syncSubtleCrypto);

export function makeDeterministicInputs(
  nowMs: number,
  seed: string,
  environment: RealmEnvironment,
): DeterministicInputs {
  const nextUint32 = seededUint32(seed);
  const refusal =
    environment === "analysis"
      ? "while a module is imported. Use it inside an action."
      : "in queries and mutations. Please consider using an action. " +
        "See https://docs.convex.dev/functions/actions for more details.";
  const fillRandom = (array: ArrayBufferView): void => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let index = 0; index < bytes.length; index++) bytes[index] = nextUint32() & 0xff;
  };
  return {
    nowMs,
    elapsedMs: environment === "mutation" ? stopwatch() : () => 0,
    nextUint32,
    subtleMethods,
    subtle: (method, args) => subtle(method, args, refusal),
    fillRandom,
    randomUUID: () => seededUUID(fillRandom),
    refusal,
  };
}

/** As on Convex: a mutation may see how long it takes, a query may not. */
function stopwatch(): () => number {
  const startedMs = performance.now();
  return () => performance.now() - startedMs;
}

function subtle(method: string, args: readonly unknown[], refusal: string): unknown {
  try {
    return syncSubtleCrypto[method]?.(...(args as never[]));
  } catch (error) {
    if (error instanceof NeedsRandomness)
      throw new Error(`Can't use cryptographic randomness ${refusal}`, { cause: error });
    throw error;
  }
}

/** sfc32: fast, 128 bits of state, good enough for ids and sampling. Not for secrets, which queries cannot make. */
function seededUint32(seed: string): () => number {
  let [a, b, c, counter] = [0, 0, 0, 0];
  let isSeeded = false;
  const begin = (): void => {
    const state = createHash("sha256").update(seed).digest();
    [a, b, c, counter] = [
      state.readInt32LE(0),
      state.readInt32LE(4),
      state.readInt32LE(8),
      state.readInt32LE(12),
    ];
    isSeeded = true;
  };
  return () => {
    if (!isSeeded) begin(); // most functions need none
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
}

/** Version 4 in form. */
function seededUUID(fillRandom: (array: Uint8Array) => void): string {
  const bytes = new Uint8Array(16);
  fillRandom(bytes);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
