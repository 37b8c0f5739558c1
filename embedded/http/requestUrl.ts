/** The target of a request line as a URL. Anybody may write anything there, so this cannot throw. */

/**
 * Takes a path with its query, and a whole URL as proxies send it. Its host says nothing.
 * @returns null for what is neither, also for a path of two slashes, which some readers take for a host.
 */
export function requestUrl(target = "/"): URL | null {
  if (target.startsWith("//")) return null;
  return URL.parse(target.startsWith("/") ? `http://deployment${target}` : target);
}
