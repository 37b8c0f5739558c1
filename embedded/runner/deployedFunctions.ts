/** Looks functions up in the deployed code and says in Convex's words why one cannot be called. */
import { canonicalFunctionName } from "../protocol/deployedCode.ts";
import type {
  ComponentCode,
  ComponentPath,
  DeployedCode,
  FunctionDefinition,
  FunctionKind,
} from "../protocol/deployedCode.ts";
import type { Caller } from "../protocol/calls.ts";

export interface FunctionAddress {
  componentPath: ComponentPath;
  /** Canonical name, "messages.js:send". */
  name: string;
}

export interface DeployedFunction extends FunctionAddress {
  component: ComponentCode;
  definition: FunctionDefinition;
  modulePath: string;
  exportName: string;
}

/** @throws Error with Convex's sentence when there is no such function. */
export function findFunction(code: DeployedCode | null, address: FunctionAddress): DeployedFunction {
  const found = lookUp(code, address);
  if (!found) throw new Error(notFound("function", address));
  return found;
}

/**
 * As a caller from outside sees it: internal functions and components are only there for admins and the system.
 * @throws Error with Convex's sentence when there is no such function for this caller.
 */
export function findCallableFunction(
  code: DeployedCode | null,
  address: FunctionAddress,
  caller: Caller,
): DeployedFunction {
  const found = lookUp(code, address);
  const isTrusted = caller.kind === "admin" || caller.kind === "system";
  const isPublic = address.componentPath === "" && found?.definition.visibility === "public";
  if (!found || (!isPublic && !isTrusted))
    throw new Error(notFound(isTrusted ? "function" : "public function", address));
  return found;
}

/** @throws Error when the function is of another kind than it is called as. */
export function requireKind({ definition, name }: DeployedFunction, kind: FunctionKind): void {
  if (definition.kind === kind) return;
  throw new Error(
    `Trying to execute ${displayName(name)} as ${capitalized(kind)}, but it is defined as ${capitalized(definition.kind)}.`,
  );
}

/** "messages.js:send" -> "messages:send", as people write it. */
export function displayName(name: string): string {
  return name.replace(".js:", ":");
}

function lookUp(code: DeployedCode | null, address: FunctionAddress): DeployedFunction | null {
  // Names come from outside: "__proto__" is none of the components.
  const { componentPath } = address;
  const component =
    code && Object.hasOwn(code.components, componentPath) ? code.components[componentPath] : undefined;
  const name = canonicalFunctionName(address.name);
  const definition = component?.functions[name];
  if (!component || !definition) return null;
  const [modulePath = "", exportName = ""] = name.split(":");
  return { componentPath: address.componentPath, name, component, definition, modulePath, exportName };
}

function notFound(what: string, { componentPath, name }: FunctionAddress): string {
  const place = componentPath === "" ? "" : ` in '${componentPath}'`;
  const canonical = displayName(canonicalFunctionName(name));
  return `Could not find ${what} for '${canonical}'${place}. Did you forget to run \`npx convex dev\`?`;
}

function capitalized(kind: FunctionKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
