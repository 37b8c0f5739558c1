/** Names for HTTP actions in logs and counters: the route, not the path, so that they stay few. */
import type { HttpRoute } from "../protocol/deployedCode.ts";

/** "POST /chat-stream", "GET /files/*"; the path itself when no route fits. HEAD is served by GET. */
export function matchRoute(routes: readonly HttpRoute[], method: string, pathname: string): string {
  const routedMethod = method === "HEAD" ? "GET" : method;
  const candidates = routes.filter((route) => route.method === routedMethod);
  const exact = candidates.find((route) => route.path === pathname);
  const prefixes = candidates.filter(
    ({ path }) => path.endsWith("*") && pathname.startsWith(path.slice(0, -1)),
  );
  const longest = prefixes.sort((left, right) => right.path.length - left.path.length)[0];
  return `${routedMethod} ${(exact ?? longest)?.path ?? pathname}`;
}
