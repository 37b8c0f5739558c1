/** Fetches a small JSON document of an identity provider. It may be slow, huge, moved or not there: all of that is bounded here. */

export interface FetchRules {
  /** For the whole of it, redirects and body included. */
  timeoutMs: number;
  maxBytes: number;
  maxRedirects: number;
  /** What this deployment serves itself; null before it does. */
  ownSite?: () => OwnSite | null;
}

/**
 * Clients may reach the deployment by a URL that leads nowhere from here: through a proxy, over TLS, by a name of another
 * network. What it asks of itself therefore goes straight to its own port.
 */
export interface OwnSite {
  /** As documents name it. */
  origin: string;
  localOrigin: string;
  /** Only sent to `localOrigin`. */
  headers: Record<string, string>;
}

export const defaultFetchRules: FetchRules = { timeoutMs: 10_000, maxBytes: 512 * 1024, maxRedirects: 5 };

export interface FetchedDocument {
  status: number;
  statusText: string;
  /** Without its parameters, lower case; null when there is none. */
  mediaType: string | null;
  /** `max-age` of its Cache-Control, 0 when it is not to be kept; null when it says nothing. */
  maxAgeSeconds: number | null;
  body: string;
}

/** Rejects with an Error whose message completes "could not be fetched: …". */
export async function fetchDocument(url: string, rules: FetchRules): Promise<FetchedDocument> {
  const signal = AbortSignal.timeout(rules.timeoutMs);
  try {
    const response = await follow(url, rules, signal);
    return {
      status: response.status,
      statusText: response.statusText,
      mediaType: response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? null,
      maxAgeSeconds: maxAge(response.headers.get("cache-control")),
      body: await boundedText(response, rules.maxBytes),
    };
  } catch (error) {
    if (signal.aborted) throw new Error(`no answer within ${rules.timeoutMs} ms`, { cause: error });
    throw error;
  }
}

async function follow(url: string, rules: FetchRules, signal: AbortSignal): Promise<Response> {
  let target = new URL(url);
  for (let redirects = 0; ; redirects++) {
    const response = await fetchOnce(target, rules, signal);
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    if (redirects === rules.maxRedirects) throw new Error(`more than ${rules.maxRedirects} redirects`);
    target = redirectTarget(location, target);
  }
}

function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from)) throw new Error("a redirect to something that is no URL");
  const target = new URL(location, from);
  refuseDowngrade(from, target);
  return target;
}

/** @throws when a document that came over https would be continued in the clear, where anybody could change it. */
export function refuseDowngrade(from: URL, to: URL): void {
  const isDowngrade = from.protocol === "https:" && to.protocol !== "https:";
  if (isDowngrade || !/^https?:$/.test(to.protocol)) {
    throw new Error(`${from.origin} points to ${to.protocol}//, which is not safe to follow`);
  }
}

async function fetchOnce(url: URL, { ownSite }: FetchRules, signal: AbortSignal): Promise<Response> {
  try {
    const own = ownSite?.();
    const isOwn = own && url.origin === own.origin;
    const headers = { Accept: "application/json", "User-Agent": "Convex/1.0", ...(isOwn ? own.headers : {}) };
    const target = isOwn ? new URL(own.localOrigin + url.pathname + url.search) : url;
    return await fetch(target, { redirect: "manual", signal, headers });
  } catch (error) {
    // Node's own message is "fetch failed"; what failed is the cause's.
    const { cause } = error as { cause?: { code?: string; message?: string } };
    throw new Error(cause?.code ?? cause?.message ?? String(error), { cause: error });
  }
}

async function boundedText(response: Response, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body. Counted as unpacked: a small compressed answer may be huge.
    if (bytes > maxBytes) throw new Error(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function maxAge(cacheControl: string | null): number | null {
  if (cacheControl === null) return null;
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return 0;
  const seconds = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl)?.[1];
  return seconds === undefined ? null : Number(seconds);
}
