/** A provider's streaming response as bytes on a wire that cuts wherever it likes. */
import { randomNumbers } from "./randomText.ts";

export type Cutting = "byte by byte" | "at random" | "all at once";

/** Server-sent events with JSON data; `[DONE]` and other raw text as it is. */
export function eventStream(events: (object | string)[], named = false): string {
  return events
    .map((event) => {
      if (typeof event === "string") return event;
      const name = named && "type" in event ? `event: ${String(event.type)}\n` : "";
      return `${name}data: ${JSON.stringify(event)}\n\n`;
    })
    .join("");
}

function cut(bytes: Uint8Array, cutting: Cutting): Uint8Array[] {
  const random = randomNumbers(bytes.length);
  const pieces: Uint8Array[] = [];
  for (let start = 0; start < bytes.length;) {
    const length =
      cutting === "byte by byte" ? 1 : cutting === "at random" ? 1 + Math.floor(random() * 40) : bytes.length;
    pieces.push(bytes.slice(start, start + length));
    start += length;
  }
  return pieces;
}

/** Ends with the text, or never. */
export function wireBody(
  text: string,
  cutting: Cutting,
  end: "close" | "stay silent" = "close",
): ReadableStream<Uint8Array> {
  const pieces = cut(new TextEncoder().encode(text), cutting);
  return new ReadableStream({
    async pull(controller) {
      const piece = pieces.shift();
      if (piece) {
        controller.enqueue(piece);
      } else if (end === "close") {
        controller.close();
      } else {
        await new Promise(() => {});
      }
    },
  });
}
