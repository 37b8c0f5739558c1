/** Instances: the app at "", and under it what `use()` installs, each with the evaluated definition it is made from. */
import type { ComponentPath, HttpRoute } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { CheckedComponent, CheckedExport, ComponentExports } from "../protocol/pushMessages.ts";
import type { AnalysisOutput, EvaluatedDefinition } from "./analysisMessages.ts";
import { bindEnvironment, type ComponentEnvironment } from "./componentEnvironment.ts";

export interface ComponentInstance {
  path: ComponentPath;
  definitionPath: string;
  definition: EvaluatedDefinition;
  /** null for the app, which has the deployment's variables. */
  environment: ComponentEnvironment | null;
  /** Name in this component -> instance. */
  children: Record<string, ComponentInstance>;
}

export function componentTree({ definitions }: AnalysisOutput): ComponentInstance {
  const definitionAt = (definitionPath: string): EvaluatedDefinition => {
    const definition = definitions[definitionPath];
    if (definition === undefined) throw new Error(`no definition ${definitionPath}`);
    return definition;
  };
  const instantiate = (
    definitionPath: string,
    path: ComponentPath,
    environment: ComponentEnvironment | null,
  ): ComponentInstance => {
    const definition = definitionAt(definitionPath);
    const { metadata } = definition;
    const children: Record<string, ComponentInstance> = {};
    for (const { name, path: childDefinition, env } of metadata.childComponents) {
      if (Object.hasOwn(children, name)) {
        throw new DeploymentError(
          "InvalidModules",
          `Two components are installed as "${name}": give one another name.`,
        );
      }
      const childPath = path === "" ? name : `${path}/${name}`;
      const installer = { metadata, environment };
      const bound = bindEnvironment(childPath, definitionAt(childDefinition).metadata, env, installer);
      children[name] = instantiate(childDefinition, childPath, bound);
    }
    return { path, definitionPath, definition, environment, children };
  };
  return instantiate("", "", null);
}

/** The instance itself and all below it, parents first. */
export function allInstances(root: ComponentInstance): ComponentInstance[] {
  return [root, ...Object.values(root.children).flatMap(allInstances)];
}

/** What a parent may call in a component: the tree of its public functions. Codegen makes types from it. */
export function publicExports({
  functions,
}: EvaluatedDefinition): Extract<ComponentExports, { type: "branch" }> {
  const root: Extract<ComponentExports, { type: "branch" }> = { type: "branch", branch: [] };
  for (const [modulePath, module] of Object.entries(functions)) {
    for (const { name, visibility } of module.functions) {
      if (visibility.kind !== "public") continue;
      const branch = branchAt(root, modulePath.replace(/\.js$/, "").split("/"));
      branch.branch.push([name, { type: "leaf", leaf: `_reference/function/${modulePath}:${name}` }]);
    }
  }
  return root;
}

function branchAt(
  root: Extract<ComponentExports, { type: "branch" }>,
  names: string[],
): Extract<ComponentExports, { type: "branch" }> {
  let current = root;
  for (const name of names) {
    let next = current.branch.find(([key]) => key === name)?.[1];
    if (next === undefined) {
      next = { type: "branch", branch: [] };
      current.branch.push([name, next]);
    }
    if (next.type === "leaf")
      throw new DeploymentError("InvalidModules", `"${name}" is a function and a module at once.`);
    current = next;
  }
  return current;
}

export function checkedComponent(instance: ComponentInstance): CheckedComponent {
  const { path, definitionPath, definition, children } = instance;
  return {
    definitionPath,
    componentPath: path,
    args: {},
    childComponents: Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, checkedComponent(child)]),
    ),
    httpRoutes: { httpModuleRoutes: httpRoutesOf(definition), mounts: [] },
    exports: path === "" ? {} : checkedChildren(publicExports(definition), path),
  };
}

function checkedChildren(
  { branch }: Extract<ComponentExports, { type: "branch" }>,
  component: ComponentPath,
): Record<string, CheckedExport> {
  return Object.fromEntries(
    branch.map(([name, node]): [string, CheckedExport] => {
      if (node.type === "branch")
        return [name, { type: "branch", children: checkedChildren(node, component) }];
      const udfPath = node.leaf.replace("_reference/function/", "");
      return [name, { type: "leaf", resource: { type: "function", path: { component, udfPath } } }];
    }),
  );
}

export function httpRoutesOf({ functions }: EvaluatedDefinition): HttpRoute[] | null {
  return functions["http.js"]?.httpRoutes ?? null;
}
