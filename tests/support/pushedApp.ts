/** Deployed code from a few lines of text, bundled as the CLI bundles it. */
import { build } from "esbuild";
import { compileModules } from "../../embedded/runner/compileModules.ts";
import type { DeployedCode, HttpRoute, ModuleCode } from "../../embedded/protocol/deployedCode.ts";

/** File name in convex/ -> its text. Imports of packages are resolved from this repository. */
export type AppFiles = Record<string, string>;

export async function bundleModules(files: AppFiles): Promise<Record<string, ModuleCode>> {
  const result = await build({
    entryPoints: Object.keys(files).map((name) => ({ in: `app:${name}`, out: name.replace(/\.ts$/, "") })),
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "esnext",
    conditions: ["convex", "module"],
    splitting: true,
    chunkNames: "_deps/[hash]",
    minifySyntax: true,
    minifyIdentifiers: true,
    keepNames: true,
    define: { "process.env.NODE_ENV": '"production"' },
    sourcemap: true,
    sourcesContent: false,
    write: false,
    outdir: "out",
    logLevel: "silent",
    plugins: [
      {
        name: "app-files",
        setup(plugin) {
          plugin.onResolve({ filter: /^(app:|\.\/)/ }, ({ path, namespace, importer }) => {
            if (!path.startsWith("app:") && namespace !== "app") return undefined;
            const name = path.replace(/^app:/, "").replace(/^\.\//, "");
            return { path: files[name] === undefined && importer ? `${name}.ts` : name, namespace: "app" };
          });
          plugin.onLoad({ filter: /.*/, namespace: "app" }, ({ path }) => ({
            contents: files[path] ?? "",
            loader: "ts",
            resolveDir: import.meta.dirname,
          }));
        },
      },
    ],
  });
  const outputs = new Map(result.outputFiles.map((file) => [file.path.split("/out/")[1]!, file.text]));
  const sources = [...outputs].filter(([path]) => path.endsWith(".js"));
  const modules = await compileModules(
    sources.map(([path, source]) => ({
      path,
      source,
      sourceMap: outputs.get(`${path}.map`) ?? null,
      environment: "isolate",
    })),
  );
  return Object.fromEntries(modules.map((module) => [module.path, module]));
}

export async function deployedApp(
  files: AppFiles,
  httpRoutes: HttpRoute[] | null = [],
): Promise<DeployedCode> {
  const app = {
    path: "",
    definitionPath: "",
    modules: await bundleModules(files),
    functions: {},
    schema: null,
    httpRoutes,
    crons: {},
    children: {},
  };
  return {
    version: 1,
    components: { "": app },
    authProviders: [],
    functionsDir: "convex",
    udfServerVersion: "1.48.0",
  };
}
