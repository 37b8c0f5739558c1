/**
 * Pushes of the CLI, in the engine thread: `start_push` evaluates and keeps a candidate, `wait_for_schema` checks the
 * stored rows against it, `finish_push` installs it. Until then nothing of the deployment has changed.
 */
import { hash, randomUUID } from "node:crypto";
import type { DeployedCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { Engine } from "../protocol/engine.ts";
import type {
  ConfigHashes,
  EvaluateSchemaResponse,
  FinishPushDiff,
  FinishPushRequest,
  SchemaStatus,
  StartPushRequest,
  StartPushResponse,
} from "../protocol/pushMessages.ts";
import { analyzedDefinitions } from "./analyzedDefinitions.ts";
import { codeDiff, indexDiffs } from "./codeDiff.ts";
import { checkedComponent, componentTree } from "./componentTree.ts";
import { evaluatePush, type EvaluatedPush } from "./evaluatePush.ts";
import { schemaPredictions } from "./schemaPredictions.ts";

interface Candidate {
  code: DeployedCode;
  /** What ran when the push began. Another version by the end is a race. */
  baseVersion: number;
  environmentHash: string;
}

/** `convex dev` has one push under way; a few more for people who share a deployment. Older ones are forgotten. */
const maxCandidates = 8;
/** How long `wait_for_schema` waits for an end before it tells how far it is. */
const progressEveryMs = 1000;

export class PushService {
  readonly #engine: Engine;
  readonly #builtInVariables: Readonly<Record<string, string>>;
  readonly #candidates = new Map<string, Candidate>();
  #lastEvaluation: { key: string; evaluated: EvaluatedPush } | null = null;

  /** Built-in variables (CONVEX_SITE_URL) are seen by `auth.config.ts` and module scope besides those that were set. */
  constructor(engine: Engine, builtInVariables: Readonly<Record<string, string>>) {
    this.#engine = engine;
    this.#builtInVariables = builtInVariables;
  }

  /** The modules whose sources need not be sent again. */
  configHashes(): ConfigHashes {
    const code = this.#engine.code();
    return {
      config: { functions: code?.functionsDir ?? "convex/" },
      moduleHashes: Object.values(code?.components[""]?.modules ?? {}).map(
        ({ path, sha256, environment }) => ({
          path,
          hash: sha256,
          environment,
        }),
      ),
      udfServerVersion: code?.udfServerVersion ?? "",
      nodeVersion: null,
      nodeDependencies: [],
    };
  }

  async startPush(request: StartPushRequest): Promise<StartPushResponse> {
    const environmentVariables = { ...this.#engine.environmentVariables() };
    const baseVersion = this.#version();
    const { code, output } = await this.#evaluate(request);
    const pushId = randomUUID();
    this.#keep(pushId, { code, baseVersion, environmentHash: hashOf(environmentVariables) });
    return {
      environmentVariables,
      externalDepsId: null,
      componentDefinitionPackages: {},
      appAuth: output.authProviders,
      analysis: analyzedDefinitions(request, output),
      app: checkedComponent(componentTree(output)),
      schemaChange: {
        allocatedComponentIds: {},
        schemaIds: { pushId },
        indexDiffs: indexDiffs(this.#engine.code(), code),
      },
    };
  }

  /** As `startPush`, but nothing is kept. */
  async evaluatePush(request: StartPushRequest): Promise<Pick<StartPushResponse, "schemaChange">> {
    const { code } = await this.#evaluate(request);
    const diffs = indexDiffs(this.#engine.code(), code);
    return { schemaChange: { allocatedComponentIds: {}, schemaIds: { pushId: "" }, indexDiffs: diffs } };
  }

  async evaluateSchema(request: StartPushRequest): Promise<EvaluateSchemaResponse> {
    const { code } = await this.#evaluate(request);
    return schemaPredictions(this.#engine, code);
  }

  /** The CLI asks again until it is told an end, and shows how far it is meanwhile. */
  async schemaStatus(pushId: string): Promise<SchemaStatus> {
    const candidate = this.#candidates.get(pushId);
    if (candidate === undefined || candidate.baseVersion !== this.#version()) return { type: "raceDetected" };
    const status = await this.#engine.prepareSchema(candidate.code, progressEveryMs);
    return candidate.baseVersion === this.#version() ? status : { type: "raceDetected" };
  }

  async finishPush({ pushId, dryRun }: FinishPushRequest): Promise<FinishPushDiff> {
    const candidate = this.#candidates.get(pushId);
    if (candidate === undefined) throw raceDetected();
    this.#refuseRace(candidate);
    const diff = codeDiff(this.#engine.code(), candidate.code);
    this.#candidates.delete(pushId);
    this.#lastEvaluation = null;
    if (dryRun) {
      this.#engine.forgetSchema(candidate.code);
      return diff;
    }
    await this.#engine.installCode(candidate.code, () => this.#refuseRace(candidate));
    return diff;
  }

  #refuseRace({ baseVersion, environmentHash }: Candidate): void {
    if (baseVersion === this.#version() && environmentHash === hashOf(this.#engine.environmentVariables()))
      return;
    throw raceDetected();
  }

  #version(): number {
    return this.#engine.code()?.version ?? 0;
  }

  /** `deploy` and `dev` send the same push twice, to `evaluate_schema` and to `start_push`: it is evaluated once. */
  async #evaluate(request: StartPushRequest): Promise<EvaluatedPush> {
    const running = this.#engine.code();
    const env = { ...this.#builtInVariables, ...this.#engine.environmentVariables() };
    const key = hashOf([{ ...request, dryRun: false }, env, running?.version ?? 0]);
    if (this.#lastEvaluation?.key === key) return this.#lastEvaluation.evaluated;
    const evaluated = await evaluatePush(request, env, running);
    this.#lastEvaluation = { key, evaluated };
    return evaluated;
  }

  #keep(pushId: string, candidate: Candidate): void {
    this.#candidates.set(pushId, candidate);
    for (const [oldest, { code }] of this.#candidates) {
      if (this.#candidates.size <= maxCandidates) return;
      this.#candidates.delete(oldest);
      this.#engine.forgetSchema(code);
    }
  }
}

function raceDetected(): DeploymentError {
  return new DeploymentError(
    "RaceDetected",
    "Code or environment variables were changed by someone else during the push.",
  );
}

function hashOf(value: unknown): string {
  return hash("sha256", JSON.stringify(value));
}
