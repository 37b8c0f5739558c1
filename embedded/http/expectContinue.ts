/** `Expect: 100-continue` (RFC 9110, 10.1.1): a client that asks whether its body is wanted before it sends it. */
import type { IncomingMessage } from "node:http";

/** Whether the body comes only when `100 Continue` is sent. An answer instead of it ends the connection. */
export function expectsContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return httpVersion === "1.1" && /100-continue/i.test(headers.expect ?? "");
}
