/**
 * Evaluates a push as Convex does: component definitions (a child before its parents), then for each definition its
 * auth config, schema and modules. Runs in the analysis thread.
 */
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { ModuleCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalyzedSchema, DefinitionMetadata } from "../protocol/pushMessages.ts";
import { compileModules } from "../runner/compileModules.ts";
import type {
  AnalysisInput,
  AnalysisOutput,
  DefinitionInput,
  EvaluatedDefinition,
} from "./analysisMessages.ts";
import { EvaluationRealm } from "./evaluationRealm.ts";
import { analyzeModule } from "./analyzeModule.ts";
import { checkSchemaRules } from "./schemaRules.ts";
import { evaluateAuthConfig } from "./evaluateAuthConfig.ts";

export const authConfigPath = "auth.config.js";

export async function analyze(input: AnalysisInput): Promise<AnalysisOutput> {
  const metadataByPath = new Map<string, DefinitionMetadata>();
  for (const definition of childrenFirst(input.definitions)) {
    metadataByPath.set(definition.path, await evaluateDefinition(definition, metadataByPath, input));
  }
  const definitions: Record<string, EvaluatedDefinition> = {};
  let authProviders: AuthProvider[] = [];
  for (const definition of input.definitions) {
    const metadata = metadataByPath.get(definition.path);
    if (metadata === undefined) throw new Error(`definition ${definition.path} was not evaluated`);
    const modules = await compile(definition);
    const env = definition.path === "" ? input.env : {};
    const authConfig = definition.path === "" ? modules[authConfigPath] : undefined;
    if (authConfig !== undefined) authProviders = await evaluateAuthConfig(authConfig, env, input);
    const schema = await evaluateSchema(definition, env, input);
    definitions[definition.path] = {
      metadata,
      schema,
      modules,
      functions: analyzeModules(modules, env, input),
    };
  }
  return { definitions, authProviders };
}

/** A definition imports its children's, so theirs are evaluated first. */
function childrenFirst(definitions: DefinitionInput[]): DefinitionInput[] {
  const byPath = new Map(definitions.map((definition) => [definition.path, definition]));
  const ordered = new Set<DefinitionInput>();
  const visit = (definition: DefinitionInput, ancestors: string[]): void => {
    if (ordered.has(definition)) return;
    if (ancestors.includes(definition.path)) {
      throw invalid(
        `Components install each other in a circle: ${[...ancestors, definition.path].join(" -> ")}.`,
      );
    }
    for (const path of definition.dependencies) {
      const child = byPath.get(path);
      if (child === undefined)
        throw invalid(`Component ${path} is installed, but its definition was not pushed.`);
      visit(child, [...ancestors, definition.path]);
    }
    ordered.add(definition);
  };
  for (const definition of definitions) visit(definition, []);
  return [...ordered];
}

async function evaluateDefinition(
  { path, definition, dependencies }: DefinitionInput,
  evaluated: ReadonlyMap<string, DefinitionMetadata>,
  input: AnalysisInput,
): Promise<DefinitionMetadata> {
  const noExports = { type: "branch" as const, branch: [] };
  if (definition === null) {
    return { path, definitionType: { type: "app" }, childComponents: [], httpMounts: {}, exports: noExports };
  }
  const imported = dependencies.map((dependency) =>
    importedDefinition(dependency, evaluated.get(dependency)),
  );
  const modules = await compileModules([definition, ...imported]);
  const what = path === "" ? "convex.config.ts" : `the definition of component ${path}`;
  const realm = new EvaluationRealm(keyByPath(modules), input.env, input);
  const metadata = realm.evaluate(`evaluate ${what}`, (load) => {
    const { default: exported } = load(definition.path) as { default?: { export?: () => unknown } };
    if (typeof exported?.export !== "function") {
      throw invalid(`${what} has no default export made with defineApp() or defineComponent().`);
    }
    return JSON.stringify(exported.export());
  });
  return { ...(JSON.parse(metadata) as DefinitionMetadata), path };
}

/** What `import component from "…/convex.config"` gives: the bundler made it `./_componentDeps/<base64url(path)>`. */
function importedDefinition(
  path: string,
  metadata: DefinitionMetadata | undefined,
): Parameters<typeof compileModules>[0][number] {
  const defaultName = metadata?.definitionType.type === "childComponent" ? metadata.definitionType.name : "";
  return {
    path: `_componentDeps/${Buffer.from(path).toString("base64url")}`,
    source: `export default ${JSON.stringify({ componentDefinitionPath: path, defaultName })};`,
    environment: "isolate",
  };
}

async function compile({
  modules: { changed, unchanged },
}: DefinitionInput): Promise<Record<string, ModuleCode>> {
  return keyByPath([...unchanged, ...(await compileModules(changed))]);
}

async function evaluateSchema(
  { path, schema }: DefinitionInput,
  env: Record<string, string>,
  input: AnalysisInput,
): Promise<AnalyzedSchema | null> {
  if (schema === null) return null;
  const realm = new EvaluationRealm(keyByPath(await compileModules([schema])), env, input);
  const what = path === "" ? "schema.ts" : `the schema of component ${path}`;
  const evaluated = realm.evaluate(`evaluate ${what}`, (load) => {
    const { default: exported } = load(schema.path) as { default?: { export?: () => string } };
    if (typeof exported?.export !== "function") {
      throw invalid(`${what} has no default export made with defineSchema().`);
    }
    return JSON.parse(exported.export()) as AnalyzedSchema;
  });
  checkSchemaRules(evaluated);
  return evaluated;
}

function analyzeModules(
  modules: Record<string, ModuleCode>,
  env: Record<string, string>,
  input: AnalysisInput,
): EvaluatedDefinition["functions"] {
  const realm = new EvaluationRealm(modules, env, input);
  const analyzed: EvaluatedDefinition["functions"] = {};
  for (const path of Object.keys(modules).sort()) {
    if (path.startsWith("_deps/") || path === authConfigPath) continue;
    analyzed[path] = realm.evaluate(`analyze ${path}`, (load) => analyzeModule(path, load(path)));
  }
  return analyzed;
}

function keyByPath(modules: ModuleCode[]): Record<string, ModuleCode> {
  return Object.fromEntries(modules.map((module) => [module.path, module]));
}

function invalid(message: string): DeploymentError {
  return new DeploymentError("InvalidModules", message);
}
