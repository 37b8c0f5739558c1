/**
 * The web platform of the host, as far as Convex's default runtime has it, to be shared with every realm of a thread.
 * The classes are the host's own: an object made by `fetch` must be an instance of the `Response` a function names.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";

const host = globalThis as unknown as Record<string, unknown>;

/** Replaced in the realm although it has its own: bytes from the host and bytes from the realm must be of one class. */
const sharedMemory = [
  "ArrayBuffer",
  "SharedArrayBuffer",
  "Atomics",
  "DataView",
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "WebAssembly",
];

const webPlatform = [
  "AbortController",
  "AbortSignal",
  "Blob",
  "ByteLengthQueuingStrategy",
  "CompressionStream",
  "CountQueuingStrategy",
  "Crypto",
  "CryptoKey",
  "CustomEvent",
  "DOMException",
  "DecompressionStream",
  "Event",
  "EventTarget",
  "File",
  "FormData",
  "Headers",
  "ReadableByteStreamController",
  "ReadableStream",
  "ReadableStreamBYOBReader",
  "ReadableStreamBYOBRequest",
  "ReadableStreamDefaultController",
  "ReadableStreamDefaultReader",
  "SubtleCrypto",
  "TextDecoder",
  "TextDecoderStream",
  "TextEncoder",
  "TextEncoderStream",
  "TransformStream",
  "TransformStreamDefaultController",
  "URL",
  "URLSearchParams",
  "WritableStream",
  "WritableStreamDefaultController",
  "WritableStreamDefaultWriter",
  "atob",
  "btoa",
  "structuredClone",
];

/**
 * What can answer after a step has ended: a kept realm in which a function used one of them is not used again. Nothing of a
 * former run may come up in a later one.
 */
export const asyncPlatformNames: readonly string[] = [
  "AbortSignal",
  "Atomics",
  "Blob",
  "CompressionStream",
  "DecompressionStream",
  "File",
  "ReadableStream",
  "Request",
  "Response",
  "TextDecoderStream",
  "TextEncoderStream",
  "TransformStream",
  "WebAssembly",
  "WritableStream",
];

/** A stream as a body needs `duplex: "half"` in Node; Convex does not ask for it. */
function withDuplex(init: unknown): unknown {
  const body = (init as { body?: unknown } | undefined)?.body;
  return body instanceof ReadableStream ? { duplex: "half", ...(init as object) } : init;
}

const RequestOfConvex = new Proxy(Request, {
  construct: (target, [input, init], newTarget) =>
    Reflect.construct(target, [input, withDuplex(init)], newTarget),
});

// Node refuses any body, even "", with a status that has none; on Convex `new Response("", { status: 205 })` is legal.
const statusesWithoutBody = new Set([204, 205, 304]);
const ResponseOfConvex = new Proxy(Response, {
  construct(target, [body, init], newTarget) {
    const status = (init as ResponseInit | undefined)?.status;
    const legalBody = body === "" && status !== undefined && statusesWithoutBody.has(status) ? null : body;
    return Reflect.construct(target, [legalBody, init], newTarget);
  },
});

function pick(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => name in host).map((name) => [name, host[name]]));
}

/** What queries, mutations and actions have alike. */
export const platformGlobals: Readonly<Record<string, unknown>> = Object.freeze({
  ...pick(sharedMemory),
  ...pick(webPlatform),
  Request: RequestOfConvex,
  Response: ResponseOfConvex,
  AsyncLocalStorage,
  AsyncResource,
});

/** See `HostBoundary.hostConstructors`. */
export const hostConstructors: Readonly<Record<string, unknown>> = Object.freeze(
  pick([
    "AggregateError",
    "Array",
    "Date",
    "Error",
    "EvalError",
    "Function",
    "Map",
    "Object",
    "Promise",
    "RangeError",
    "ReferenceError",
    "RegExp",
    "Set",
    "SyntaxError",
    "TypeError",
    "URIError",
  ]),
);

/** `fetch` of one realm: what is in flight ends with the realm. */
export function makeFetch(ended: AbortSignal): typeof fetch {
  return async (input, init) => {
    const own = init?.signal ?? (input instanceof Request ? input.signal : null);
    const signal = own ? AbortSignal.any([own, ended]) : ended;
    return await fetch(input, { ...(withDuplex(init) as RequestInit | undefined), signal });
  };
}
