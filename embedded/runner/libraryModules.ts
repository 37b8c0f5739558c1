/**
 * The modules of a push that are nothing but the server part of Convex's own package, which keeps no state: a kept realm
 * evaluates them once. The bundler puts that package into modules of its own, and evaluating it is most of what a small
 * function costs.
 */
import { ModuleLoader, type ModuleFunction, type Namespace } from "./moduleLoader.ts";
import type { RunnableModule, RunnableModules } from "./runnableModule.ts";

export interface LibraryParts {
  /** With globals that reach whatever run is going on. `hold` is given the classes of the module. */
  functionOf: (code: RunnableModule, hold: (classes: object) => void) => ModuleFunction;
  newObject: () => object;
  /** Makes an object of the module, and what it leads to, unchangeable. */
  lock: (object: object) => void;
}

export class LibraryModules {
  readonly #parts: LibraryParts;
  readonly #loaders = new WeakMap<RunnableModules, ModuleLoader>();
  readonly #exports = new WeakMap<RunnableModule, Namespace | null>();

  constructor(parts: LibraryParts) {
    this.#parts = parts;
  }

  /** null when the module, or one that it imports, is none of the library. */
  exportsOf(modules: RunnableModules, code: RunnableModule): Namespace | null {
    const known = this.#exports.get(code);
    if (known !== undefined) return known;
    const exports = isOfLibrary(code) ? this.#evaluate(modules, code) : null;
    this.#exports.set(code, exports);
    return exports;
  }

  #evaluate(modules: RunnableModules, code: RunnableModule): Namespace | null {
    try {
      const exports = this.#loaderOf(modules).import(code.path);
      this.#parts.lock(exports);
      return exports;
    } catch {
      return null; // it imports what is not of the library, and is evaluated in each run like that
    }
  }

  #loaderOf(modules: RunnableModules): ModuleLoader {
    const known = this.#loaders.get(modules);
    if (known) return known;
    const functionOf = (code: RunnableModule): ModuleFunction => {
      if (!isOfLibrary(code)) throw new Error(`${code.path} is not of the library`);
      return this.#parts.functionOf(code, this.#parts.lock);
    };
    const loader = new ModuleLoader(modules, functionOf, this.#parts.newObject);
    this.#loaders.set(modules, loader);
    return loader;
  }
}

/** Of the package, what functions import; of the app, the files that codegen wrote. */
const librarySource =
  /(?:^|\/)(?:node_modules\/convex\/(?:src|dist\/esm)\/(?:(?:server|values|common)\/.*|index\.[jt]s)|_generated\/(?:server|api)\.[jt]s)$/;

const answers = new WeakMap<RunnableModule, boolean>();

/** By its source map; only what the bundler split off is looked at. */
function isOfLibrary(code: RunnableModule): boolean {
  if (!code.path.startsWith("_deps/") || code.scriptSourceMap === null) return false;
  let answer = answers.get(code);
  if (answer === undefined) {
    const { sources } = JSON.parse(code.scriptSourceMap) as { sources: string[] };
    answer = sources.length > 0 && sources.every((source) => librarySource.test(source));
    answers.set(code, answer);
  }
  return answer;
}
