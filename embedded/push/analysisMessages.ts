/** What the analysis thread is given and what it answers. Structured-clone-safe. */
import type { AuthProvider } from "../protocol/authProvider.ts";
import type { ModuleCode } from "../protocol/deployedCode.ts";
import type { DeploymentErrorCode } from "../protocol/deploymentError.ts";
import type {
  AnalyzedModule,
  AnalyzedSchema,
  DefinitionMetadata,
  PushedModule,
} from "../protocol/pushMessages.ts";

export interface DefinitionInput {
  /** "" for the app. */
  path: string;
  definition: PushedModule | null;
  /** Paths of the definitions it installs. */
  dependencies: string[];
  schema: PushedModule | null;
  /** Modules that the running version has in the same form keep their compiled script. */
  modules: { changed: PushedModule[]; unchanged: ModuleCode[] };
}

export interface AnalysisInput {
  definitions: DefinitionInput[];
  /** What `auth.config.ts` and module scope of the app see as `process.env`. */
  env: Record<string, string>;
  nowMs: number;
  randomSeed: string;
}

export interface EvaluatedDefinition {
  metadata: DefinitionMetadata;
  schema: AnalyzedSchema | null;
  modules: Record<string, ModuleCode>;
  functions: Record<string, AnalyzedModule>;
}

export interface AnalysisOutput {
  definitions: Record<string, EvaluatedDefinition>;
  authProviders: AuthProvider[];
}

export type AnalysisAnswer =
  | { status: "done"; output: AnalysisOutput }
  | { status: "refused"; code: DeploymentErrorCode; message: string };
