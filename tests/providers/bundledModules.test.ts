/** What is loaded with a module once it is deployed: every transaction in it pays for all of that. */
import { resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const convexFolder = resolve(import.meta.dirname, "../../convex");

/** The files that the CLI's bundler takes in for `module`, also those it then finds nothing to keep of. */
async function bundledFiles(module: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [resolve(convexFolder, module)],
    absWorkingDir: resolve(convexFolder, ".."),
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "esnext",
    conditions: ["convex", "module"],
    treeShaking: true,
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return Object.keys(metafile.inputs);
}

const isOfProviderSdk = (file: string) => /node_modules\/(openai|@anthropic-ai)\//.test(file);

test.each([
  "runs.ts",
  "reasoning.ts",
  "responses.ts",
  "turns.ts",
  "messages.ts",
  "chats.ts",
  "models.ts",
  "crons.ts",
])("%s loads no provider SDK, not even through another module", async (module) => {
  const files = await bundledFiles(module);
  expect(files).toContain(`convex/${module}`);
  expect(files.filter(isOfProviderSdk)).toEqual([]);
});

test("the actions load both, so that the search above would find them", async () => {
  const found = (await bundledFiles("serverRuns.ts")).filter(isOfProviderSdk).join("\n");
  expect(found).toContain("node_modules/openai/");
  expect(found).toContain("node_modules/@anthropic-ai/sdk/");
});
