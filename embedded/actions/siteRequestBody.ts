/**
 * Reads the body of a request at the site port, before its HTTP action begins: a client that is slow to send holds a
 * connection then, and not one of the slots in which actions run.
 */
import type { IncomingMessage } from "node:http";
import type { ActionLimits } from "./threadMessages.ts";

export type SiteRequestBody =
  | { status: "whole"; bytes: Uint8Array<ArrayBuffer> }
  | { status: "refused"; httpStatus: 408 | 413; sentence: string }
  /** The client went away. */
  | { status: "gone" };

type BodyLimits = Pick<ActionLimits, "maxRequestBytes" | "maxBodyIdleMs">;

/** Never rejects. What is refused is left unread. */
export function readSiteRequestBody(incoming: IncomingMessage, limits: BodyLimits): Promise<SiteRequestBody> {
  const { maxRequestBytes, maxBodyIdleMs } = limits;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooSlow = setTimeout(() => {
      const sentence = `The body of this request made no progress for ${maxBodyIdleMs} ms.`;
      finish({ status: "refused", httpStatus: 408, sentence });
    }, maxBodyIdleMs);

    function onData(chunk: Buffer): void {
      tooSlow.refresh();
      size += chunk.length;
      if (size <= maxRequestBytes) chunks.push(chunk);
      else refuseAsTooLarge();
    }
    function refuseAsTooLarge(): void {
      const sentence = `The body of this request is larger than ${maxRequestBytes} bytes, the limit of HTTP actions.`;
      finish({ status: "refused", httpStatus: 413, sentence });
    }
    function onEnd(): void {
      finish({ status: "whole", bytes: Buffer.concat(chunks) });
    }
    function onGone(): void {
      finish({ status: "gone" });
    }
    function finish(body: SiteRequestBody): void {
      clearTimeout(tooSlow);
      incoming.off("data", onData).off("end", onEnd).off("close", onGone).pause();
      resolve(body);
    }

    // `error` is followed by `close`, which says all there is to say.
    incoming.on("error", () => undefined);
    if (Number(incoming.headers["content-length"] ?? 0) > maxRequestBytes) refuseAsTooLarge();
    else incoming.on("data", onData).on("end", onEnd).on("close", onGone);
  });
}
