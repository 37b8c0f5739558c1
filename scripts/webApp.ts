/** Serves `src/` with Vite, pointed at the embedded deployment or, without one, at what `.env.local` says. */
import { createServer } from "vite";
import { rootFolder } from "./settings.ts";
import type { EmbeddedAddress } from "./services.ts";

export async function startWebApp(
  port: number,
  embedded: EmbeddedAddress | null,
): Promise<{ url: string; close: () => Promise<void> }> {
  if (embedded !== null) {
    // The shell's environment outranks .env.local, where the CLI leaves the URL of whatever it pushed to last.
    process.env["VITE_CONVEX_URL"] = embedded.url;
    process.env["VITE_CONVEX_SITE_URL"] = embedded.siteUrl;
  }
  const server = await createServer({
    root: rootFolder,
    clearScreen: false,
    logLevel: "warn",
    server: { port, strictPort: true, host: "127.0.0.1" },
  });
  await server.listen();
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
