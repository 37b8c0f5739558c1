/** Evaluates a pushed app against the running version. Changes nothing. */
import { randomUUID } from "node:crypto";
import type { DeployedCode, ModuleCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { PushedModule, StartPushRequest } from "../protocol/pushMessages.ts";
import type { AnalysisInput, AnalysisOutput } from "./analysisMessages.ts";
import { buildDeployedCode } from "./buildDeployedCode.ts";
import { refuseMissingVariables } from "./requiredVariables.ts";
import { runAnalysis } from "./runAnalysis.ts";
import { refuseUnsupportedFeatures, refuseUnsupportedModules } from "./supportedFeatures.ts";

export interface EvaluatedPush {
  /** As it would be installed. */
  code: DeployedCode;
  output: AnalysisOutput;
}

/** Rejects with InvalidModules, Unsupported or another user error that says what the pushed code does wrong. */
export async function evaluatePush(
  request: StartPushRequest,
  env: Record<string, string>,
  running: DeployedCode | null,
): Promise<EvaluatedPush> {
  refuseUnsupportedModules(request);
  const output = await runAnalysis(analysisInput(request, env, running));
  refuseUnsupportedFeatures(output);
  refuseMissingVariables(output, env);
  return { code: buildDeployedCode(request, output, (running?.version ?? 0) + 1), output };
}

function analysisInput(
  request: StartPushRequest,
  env: Record<string, string>,
  running: DeployedCode | null,
): AnalysisInput {
  const { appDefinition, componentDefinitions } = request;
  const kept = Object.values(running?.components[""]?.modules ?? {});
  return {
    env,
    nowMs: Date.now(),
    randomSeed: randomUUID(),
    definitions: [
      {
        path: "",
        definition: appDefinition.definition,
        dependencies: appDefinition.dependencies,
        schema: appDefinition.schema,
        modules: {
          changed: appDefinition.changedModules,
          unchanged: appDefinition.unchangedModuleHashes.map(({ path, sha256 }) => {
            const module = kept.find((candidate) => candidate.path === path && candidate.sha256 === sha256);
            if (module !== undefined) return module;
            throw new DeploymentError("RaceDetected", `The deployment has ${path} in another form by now.`);
          }),
        },
      },
      ...componentDefinitions.map(({ definitionPath, definition, dependencies, schema, functions }) => ({
        path: definitionPath,
        definition,
        dependencies,
        schema,
        modules: splitKnown(functions, modulesOfDefinition(running, definitionPath)),
      })),
    ],
  };
}

function modulesOfDefinition(code: DeployedCode | null, definitionPath: string): Record<string, ModuleCode> {
  const component = Object.values(code?.components ?? {}).find(
    (one) => one.definitionPath === definitionPath,
  );
  return component?.modules ?? {};
}

/** The CLI sends a component's modules every time; those that run already need no compilation. */
function splitKnown(
  pushed: PushedModule[],
  known: Record<string, ModuleCode>,
): { changed: PushedModule[]; unchanged: ModuleCode[] } {
  const changed: PushedModule[] = [];
  const unchanged: ModuleCode[] = [];
  for (const module of pushed) {
    const running = known[module.path];
    const isSame = running?.source === module.source && running.sourceMap === (module.sourceMap ?? null);
    if (running !== undefined && isSame) unchanged.push(running);
    else changed.push(module);
  }
  return { changed, unchanged };
}
