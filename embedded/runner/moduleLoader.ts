/**
 * Evaluates the modules of one realm on demand, each once. Owns the cache of compiled scripts, which all realms of a
 * thread share; a script holds no state of any run.
 */
import { posix } from "node:path";
import vm from "node:vm";
import type { RunnableModule, RunnableModules } from "./runnableModule.ts";

export type Namespace = Record<string, unknown>;
export type ModuleFunction = (
  exports: Namespace,
  require: (specifier: string) => Namespace,
  module: { exports: Namespace },
  importMeta: { url: string },
) => void;

/** Stack frames of user code start with this; `userError.ts` maps them back to the pushed files. */
export const moduleUrlPrefix = "convex:/";

/** Characters of source kept compiled. Several versions of a large app fit; a `dev` session of a day does not pile up. */
const maxCachedCharacters = 48_000_000;

/**
 * `plain`: evaluates to a `ModuleFunction`. `bound`: to a function of what differs from run to run, which returns it.
 * `held`: like `bound`, with a last parameter that is called with the classes of the module.
 */
type ScriptForm = "plain" | "bound" | "held";

/** The globals that a run in a kept realm gets as its own. A module may declare such a name itself. */
export const runGlobalNames = ["globalThis", "self", "Convex", "console", "process"] as const;
const boundPrefix = `(function (${runGlobalNames.join(", ")}, __hold) {return `;

function boundText(script: string): string {
  return `${boundPrefix}${script}})`;
}

/** Not every class is exported, and what a class makes leads to it. A word that only looks like a name is undefined. */
function heldText(script: string): string {
  const names = new Set(
    Array.from(
      script.matchAll(/\bclass (?!extends\b)([\w$]+)|([\w$]+) = class\b/g),
      (match) => match[1] ?? match[2]!,
    ),
  );
  const held = Array.from(names, (name) => `typeof ${name} === "undefined" ? null : ${name}`);
  const end = "\n})";
  return boundText(`${script.slice(0, -end.length)}\n__hold([${held.join(", ")}]);${end}`);
}

class ScriptCache {
  readonly #scripts = new Map<string, vm.Script>();
  readonly #lengths = new Map<string, number>();
  #characters = 0;

  get(code: RunnableModule, form: ScriptForm): vm.Script {
    const key = `${form} ${code.sha256} ${code.path}`;
    const cached = this.#scripts.get(key);
    if (cached) return cached;
    const filename = moduleUrlPrefix + code.path;
    const script =
      form === "plain"
        ? new vm.Script(code.script, { filename })
        : new vm.Script(form === "bound" ? boundText(code.script) : heldText(code.script), {
            filename,
            columnOffset: -boundPrefix.length,
          });
    this.#scripts.set(key, script);
    this.#lengths.set(key, code.script.length);
    this.#characters += code.script.length;
    this.#dropOldest(key);
    return script;
  }

  #dropOldest(newest: string): void {
    for (const [key, length] of this.#lengths) {
      if (this.#characters <= maxCachedCharacters || key === newest) return;
      this.#scripts.delete(key);
      this.#lengths.delete(key);
      this.#characters -= length;
    }
  }
}

const scripts = new ScriptCache();

export function plainScript(code: RunnableModule): vm.Script {
  return scripts.get(code, "plain");
}

export function heldScript(code: RunnableModule): vm.Script {
  return scripts.get(code, "held");
}

export function boundScript(code: RunnableModule): vm.Script {
  return scripts.get(code, "bound");
}

type Instance = { exports: Namespace; failed: false } | { exports: Namespace; failed: true; error: unknown };

export class ModuleLoader {
  readonly #modules: RunnableModules;
  readonly #functionOf: (code: RunnableModule) => unknown;
  readonly #newObject: () => object;
  readonly #sharedExports: (code: RunnableModule) => Namespace | null;
  readonly #instances = new Map<string, Instance>();

  /**
   * `newObject` makes an object of the realm, so that `exports` and `import.meta` are its own. `sharedExports` gives those of
   * a module that is not evaluated here.
   */
  constructor(
    modules: RunnableModules,
    functionOf: (code: RunnableModule) => unknown,
    newObject: () => object,
    sharedExports: (code: RunnableModule) => Namespace | null = () => null,
  ) {
    this.#sharedExports = sharedExports;
    this.#modules = modules;
    this.#functionOf = functionOf;
    this.#newObject = newObject;
  }

  /** "messages.js" or "messages". A module that threw while it was evaluated throws the same error again. */
  import(path: string): Namespace {
    const code = this.#find(path);
    if (!code) throw new Error(`Could not find module "${path}".`);
    const known = this.#instances.get(code.path);
    if (known?.failed) throw known.error;
    // In a cycle this is the unfinished module, whose getters are already in place.
    return known?.exports ?? this.#sharedExports(code) ?? this.#instantiate(code).exports;
  }

  #instantiate(code: RunnableModule): Instance {
    const instance = this.#newObject() as { exports: Namespace; failed: false };
    instance.exports = this.#newObject() as Namespace;
    instance.failed = false;
    this.#instances.set(code.path, instance);
    const importMeta = this.#newObject() as { url: string };
    importMeta.url = moduleUrlPrefix + code.path;
    const require = (specifier: string): Namespace => this.import(this.#resolve(code.path, specifier));
    try {
      const run = this.#functionOf(code) as ModuleFunction;
      run.call(undefined, instance.exports, require, instance, importMeta);
    } catch (error) {
      this.#instances.set(code.path, { exports: instance.exports, failed: true, error });
      throw error;
    }
    return instance;
  }

  #find(path: string): RunnableModule | undefined {
    if (Object.hasOwn(this.#modules, path)) return this.#modules[path];
    return Object.hasOwn(this.#modules, `${path}.js`) ? this.#modules[`${path}.js`] : undefined;
  }

  #resolve(importer: string, specifier: string): string {
    if (typeof specifier === "string" && /^\.{1,2}\//.test(specifier)) {
      return posix.join(posix.dirname(importer), specifier);
    }
    throw new Error(`Dynamic require of "${specifier}" is not supported: it is not part of what was pushed.`);
  }
}
