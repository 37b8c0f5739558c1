/**
 * Environment variables of components: a definition declares them, whoever installs it binds each to a text or to one
 * of its own variables. Here bindings are checked against declarations, and chains of references are followed to the
 * app, so that a running component needs no more than the app's variables.
 */
import type { EnvironmentBinding, ValidatorJson } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { DefinitionMetadata } from "../protocol/pushMessages.ts";
import { validationProblem } from "../values/validation.ts";

export type ComponentEnvironment = Record<string, EnvironmentBinding>;

interface Declaration {
  validator: ValidatorJson;
  optional: boolean;
}

interface Installer {
  metadata: DefinitionMetadata;
  /** null for the app: its variables are the deployment's own. */
  environment: ComponentEnvironment | null;
}

/**
 * @param path - Of the installed component.
 * @param given - What `use()` was told, null when nothing.
 * @throws DeploymentError TypecheckError, as Convex words it.
 */
export function bindEnvironment(
  path: string,
  installed: DefinitionMetadata,
  given: DefinitionMetadata["childComponents"][number]["env"],
  installer: Installer,
): ComponentEnvironment {
  const declared = declarations(installed);
  const bound: ComponentEnvironment = {};
  for (const [name, binding] of given ?? []) {
    const declaration = declared.get(name);
    if (declaration === undefined) throw mistyped(path, `has no env var named "${name}"`);
    const resolved =
      binding.type === "value"
        ? checkedText(path, name, declaration, binding)
        : reference(path, name, declaration, binding, installer);
    if (resolved !== null) bound[name] = resolved;
  }
  for (const [name, { optional }] of declared) {
    const isGiven = given?.some(([givenName]) => givenName === name) === true;
    if (!optional && !isGiven) throw mistyped(path, `is missing required env var "${name}"`);
  }
  return bound;
}

function declarations({ envVars }: DefinitionMetadata): Map<string, Declaration> {
  return new Map(
    (envVars ?? []).map(([name, { value, optional }]) => [
      name,
      { validator: JSON.parse(value) as ValidatorJson, optional: optional === true },
    ]),
  );
}

function checkedText(
  path: string,
  name: string,
  { validator }: Declaration,
  binding: Extract<EnvironmentBinding, { type: "value" }>,
): EnvironmentBinding {
  const problem = validationProblem(validator, binding.value, () => null);
  if (problem !== null) throw mistyped(path, `has an invalid value for env var "${name}": ${problem}`);
  return binding;
}

/** null when the installer leaves its own variable, an optional one, unset. */
function reference(
  path: string,
  name: string,
  declaration: Declaration,
  binding: Extract<EnvironmentBinding, { type: "envVar" }>,
  { metadata, environment }: Installer,
): EnvironmentBinding | null {
  const parent = declarations(metadata).get(binding.name);
  if (parent === undefined)
    throw mistyped(path, `env var "${name}" references undeclared parent env var ${binding.name}`);
  if (parent.optional && !declaration.optional)
    throw mistyped(path, `env var "${name}" is required, but parent env var ${binding.name} is optional`);
  if (!isNarrower(parent.validator, declaration.validator)) {
    throw mistyped(
      path,
      `env var "${name}" validator is not satisfied by parent env var ${binding.name} validator`,
    );
  }
  return environment === null ? binding : (environment[binding.name] ?? null);
}

/** Whether every text that fits `narrow` fits `wide`. Both are made of strings, literals and unions of them. */
function isNarrower(narrow: ValidatorJson, wide: ValidatorJson): boolean {
  if (narrow.type === "union") return narrow.value.every((member) => isNarrower(member, wide));
  if (wide.type === "union") return wide.value.some((member) => isNarrower(narrow, member));
  if (wide.type === "string") return narrow.type === "string" || narrow.type === "literal";
  return narrow.type === "literal" && wide.type === "literal" && narrow.value === wide.value;
}

function mistyped(path: string, what: string): DeploymentError {
  return new DeploymentError("TypecheckError", `Component "${path}" ${what}`);
}
