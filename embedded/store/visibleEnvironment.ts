/**
 * The variables that each component sees: one object as long as nothing of it changes, so that who runs functions can keep
 * what it made of them.
 */
import type { ComponentCode, ComponentPath, DeployedCode } from "../protocol/deployedCode.ts";

type Variables = Readonly<Record<string, string>>;

export interface EnvironmentSources {
  code: DeployedCode | null;
  /** Of the deployment; another object after each change. */
  variables: Variables;
  /** What every component sees besides. */
  builtIn: Variables;
}

export class VisibleEnvironment {
  readonly #current: () => EnvironmentSources;
  readonly #byComponent = new Map<ComponentPath, Variables>();
  #sources: EnvironmentSources | null = null;

  constructor(current: () => EnvironmentSources) {
    this.#current = current;
  }

  of(componentPath: ComponentPath): Variables {
    const sources = this.#current();
    if (this.#sources === null || !isSame(this.#sources, sources)) this.#byComponent.clear();
    this.#sources = sources;
    const known = this.#byComponent.get(componentPath);
    if (known) return known;
    const { code, variables, builtIn } = sources;
    const seen = { ...builtIn, ...variablesOf(code?.components[componentPath], variables) };
    this.#byComponent.set(componentPath, seen);
    return seen;
  }
}

function isSame(a: EnvironmentSources, b: EnvironmentSources): boolean {
  const names = Object.keys(b.builtIn);
  return (
    a.code === b.code &&
    a.variables === b.variables &&
    Object.keys(a.builtIn).length === names.length &&
    names.every((name) => a.builtIn[name] === b.builtIn[name])
  );
}

/** As on Convex, a component sees none of the app's variables but those it is handed. */
function variablesOf(component: ComponentCode | undefined, all: Variables): Variables {
  if (component === undefined || component.path === "") return all;
  const seen: Record<string, string> = {};
  for (const [name, binding] of Object.entries(component.environment ?? {})) {
    const value = binding.type === "value" ? binding.value : all[binding.name];
    if (value !== undefined) seen[name] = value;
  }
  return seen;
}
