/** The answers that came over one connection, each with its end, as RFC 9112 delimits them. */

export interface HttpAnswer {
  status: number;
  body: string;
  /** The server says that it is the last one on this connection. */
  closes: boolean;
}

/** `methods` are those of the requests: what is answered to HEAD has no body. What has not come whole is no answer. */
export function answersIn(
  bytes: Buffer,
  methods: readonly string[],
): { answers: HttpAnswer[]; continues: number } {
  const answers: HttpAnswer[] = [];
  let continues = 0;
  for (let at = 0; ;) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd === -1) return { answers, continues };
    const head = bytes.toString("latin1", at, headEnd);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    if (Number.isNaN(status)) throw new Error(`No answer begins with ${JSON.stringify(head.slice(0, 200))}`);
    if (status < 200) {
      continues += 1;
      at = headEnd + 4;
      continue;
    }
    const hasBody = methods[answers.length] !== "HEAD" && status !== 204 && status !== 304;
    const body = hasBody ? bodyAt(bytes, headEnd + 4, head) : { text: "", end: headEnd + 4 };
    if (body === null) return { answers, continues };
    answers.push({ status, body: body.text, closes: /^connection: close$/im.test(head) });
    at = body.end;
  }
}

function bodyAt(bytes: Buffer, start: number, head: string): { text: string; end: number } | null {
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (length !== undefined) {
    const end = start + Number(length);
    return end > bytes.length ? null : { text: bytes.toString("utf8", start, end), end };
  }
  return /^transfer-encoding: chunked$/im.test(head) ? chunkedBodyAt(bytes, start) : null;
}

function chunkedBodyAt(bytes: Buffer, start: number): { text: string; end: number } | null {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return null;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (end > bytes.length) return null;
    if (size === 0) return { text: Buffer.concat(chunks).toString("utf8"), end };
    chunks.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
