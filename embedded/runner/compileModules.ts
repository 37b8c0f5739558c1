/**
 * Turns the ES modules of a push into the form in which they are run: one function a module, CommonJS style, so that
 * evaluating a module is one call and no vm module graph is kept. Done once per push; the result is stored.
 *
 * Live bindings and cycles survive the translation: every export is a getter that is in place before the first import.
 */
import { createHash } from "node:crypto";
import { transform, type Message, type TransformResult } from "esbuild";
import type { ModuleCode } from "../protocol/deployedCode.ts";

export interface ModuleSource {
  path: string;
  source: string;
  sourceMap?: string | null;
  environment: string;
}

/** A push that cannot be run. The message is a sentence for the person who pushed. */
export class ModuleRefused extends Error {
  override name = "ModuleRefused";
}

/** Hex SHA-256 of source and source map, as the CLI computes it to tell which modules it need not send again. */
function moduleHash(source: string, sourceMap: string | null | undefined): string {
  const hash = createHash("sha256").update(source);
  if (sourceMap) hash.update(sourceMap);
  return hash.digest("hex");
}

/** @throws ModuleRefused for `"use node"` modules, top-level await and syntax errors. */
export async function compileModules(sources: readonly ModuleSource[]): Promise<ModuleCode[]> {
  return await Promise.all(sources.map(compileModule));
}

async function compileModule({ path, source, sourceMap, environment }: ModuleSource): Promise<ModuleCode> {
  if (environment !== "isolate") {
    throw new ModuleRefused(
      `${path} is a "use node" module, which the embedded deployment does not run. Remove the "use node" directive: ` +
        "actions of the default runtime have fetch, streams, crypto and timers.",
    );
  }
  const compiled = await toCommonJs(path, source, sourceMap ?? null);
  return {
    path,
    environment,
    source,
    sourceMap: sourceMap ?? null,
    sha256: moduleHash(source, sourceMap),
    // On one line with the code: line numbers stay those of the source map. ES modules are strict, functions are not.
    script: `(function (exports, require, module, __importMeta) {"use strict";${compiled.code}\n})`,
    scriptSourceMap: sourceMap ? compiled.map : null,
  };
}

async function toCommonJs(path: string, source: string, sourceMap: string | null): Promise<TransformResult> {
  const inlineMap = sourceMap
    ? `\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(sourceMap).toString("base64")}\n`
    : "";
  try {
    return await transform(source + inlineMap, {
      format: "cjs",
      target: "esnext",
      // A dynamic import becomes a `require` in a promise: the modules of a push are all there.
      supported: { "dynamic-import": false },
      define: { "import.meta": "__importMeta" },
      sourcefile: path,
      sourcemap: "external",
      sourcesContent: false,
      logLevel: "silent",
    });
  } catch (error) {
    throw new ModuleRefused(reasonOf(path, error), { cause: error });
  }
}

function reasonOf(path: string, error: unknown): string {
  const message = (error as { errors?: Message[] }).errors?.[0];
  if (!message) return `${path} could not be compiled: ${String(error)}`;
  const line = message.location ? `:${message.location.line}:${message.location.column + 1}` : "";
  if (message.text.startsWith("Top-level await")) {
    return `${path}${line} uses top-level await, which Convex modules cannot. Move the await into a function.`;
  }
  return `${path}${line} could not be compiled: ${message.text}`;
}
