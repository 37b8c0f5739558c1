/** Which web pages may drive replies, and what they may read of the answer. */
import { turnHeader } from "../shared/streamEvents.ts";

/** Where the app is served while it is developed, for a deployment that was told nothing else. */
const defaultOrigins = ["http://localhost:5173", "http://127.0.0.1:5173"];

/**
 * The headers for a request's origin; null if pages of that origin may not call. Callers without origin are
 * no pages.
 */
export function crossOriginHeaders(request: Request, allowedOrigins: string | undefined): Headers | null {
  const headers = new Headers({ Vary: "Origin" });
  const origin = request.headers.get("Origin");
  if (origin === null) {
    return headers;
  }
  const configured = (allowedOrigins ?? "")
    .split(",")
    .map((allowed) => allowed.trim().replace(/\/$/, ""))
    .filter((allowed) => allowed !== "");
  const allowed = configured.length === 0 ? defaultOrigins : configured;
  // An origin that equals the request's own host proves nothing: whoever owns a name can point it here.
  if (!allowed.includes(origin)) {
    return null;
  }
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", `${turnHeader}, Retry-After`);
  return headers;
}
