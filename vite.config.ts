/** The web app's build and its development server. */
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: {
      // Streamdown imports it for raw HTML, which replies are not allowed; see src/markdown/noRawHtml.ts.
      "rehype-raw": fileURLToPath(new URL("./src/markdown/noRawHtml.ts", import.meta.url)),
    },
  },
  server: {
    host: "127.0.0.1",
    // The port is named in ALLOWED_ORIGINS: another one than asked for would be refused there.
    strictPort: true,
  },
  preview: { host: "127.0.0.1", strictPort: true },
  build: {
    target: "es2022",
    rolldownOptions: {
      output: {
        codeSplitting: {
          // What changes with a dependency's version and not with the app stays in the browser's cache.
          groups: [
            { name: "vendor", test: /node_modules[\\/](react|react-dom|scheduler|react-router|convex)[\\/]/ },
          ],
        },
      },
    },
  },
});
