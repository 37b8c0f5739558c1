/** Which models this deployment can use, by its environment variables, and which of them a reply gets. */
import { appError } from "../model/appError.ts";
import { whereVariablesAre } from "../shared/whereVariablesAre.ts";
import { catalogue, compatibleModelDefaults } from "./catalogue.ts";
import type { CatalogueModel, ProviderName } from "./catalogue.ts";

/** `process.env` of the deployment. Only read by name: Convex does not list it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a model is reached, and in which wire format. */
export interface Endpoint {
  wire: "openaiChat" | "openaiResponses" | "anthropicMessages";
  apiKey: string;
  /** Undefined: the SDK's own default. */
  baseUrl: string | undefined;
  /** Replies are made so that they go on at the provider when their connection breaks; missing is no. */
  isResumable?: boolean;
}

export interface OfferedModel extends CatalogueModel {
  /** Null when the model cannot be used; `unavailableReason` then says which variable to set. */
  endpoint: Endpoint | null;
  unavailableReason: string | null;
}

/** Local servers take any key, the SDK takes none. */
const keyForServersWithoutKeys = "unused";

function endpointOf(provider: ProviderName, env: Environment): Endpoint | { unavailable: string } {
  switch (provider) {
    case "openai":
      return openaiEndpoint(env);
    case "anthropic":
      return env["ANTHROPIC_API_KEY"]
        ? {
            wire: "anthropicMessages",
            apiKey: env["ANTHROPIC_API_KEY"],
            baseUrl: env["ANTHROPIC_BASE_URL"] || undefined,
          }
        : toBeSet("ANTHROPIC_API_KEY");
    case "openaiCompatible":
      return env["OPENAI_COMPATIBLE_BASE_URL"]
        ? {
            wire: "openaiChat",
            apiKey: env["OPENAI_COMPATIBLE_API_KEY"] || keyForServersWithoutKeys,
            baseUrl: env["OPENAI_COMPATIBLE_BASE_URL"],
          }
        : toBeSet("OPENAI_COMPATIBLE_BASE_URL");
    case "demo":
    case "demoAnthropic":
      return demoEndpoint(provider, env["DEMO_BASE_URL"]);
    default:
      return provider satisfies never;
  }
}

function openaiEndpoint(env: Environment): Endpoint | { unavailable: string } {
  const apiKey = env["OPENAI_API_KEY"];
  const resumable = env["OPENAI_RESUMABLE"] || "false";
  if (!apiKey) {
    return toBeSet("OPENAI_API_KEY");
  }
  if (resumable !== "true" && resumable !== "false") {
    return {
      unavailable: `OPENAI_RESUMABLE is "${resumable}": set it to true or false ${whereVariablesAre}.`,
    };
  }
  const baseUrl = env["OPENAI_BASE_URL"] || undefined;
  return { wire: "openaiResponses", apiKey, baseUrl, isResumable: resumable === "true" };
}

function toBeSet(variable: string): { unavailable: string } {
  return { unavailable: `Set ${variable} ${whereVariablesAre}.` };
}

function demoEndpoint(
  provider: "demo" | "demoAnthropic",
  baseUrl: string | undefined,
): Endpoint | { unavailable: string } {
  if (!baseUrl) {
    return toBeSet("DEMO_BASE_URL");
  }
  const apiKey = keyForServersWithoutKeys;
  return provider === "demo"
    ? { wire: "openaiChat", apiKey, baseUrl: `${baseUrl}/v1` }
    : { wire: "anthropicMessages", apiKey, baseUrl };
}

/** All models, usable or not; those of the demo server only where there is one. */
export function offeredModels(env: Environment): OfferedModel[] {
  const compatibleIds = (env["OPENAI_COMPATIBLE_MODELS"] ?? "")
    .split(",")
    .map((id) => id.trim())
    .filter((id) => id !== "");
  const compatible = compatibleIds.map((id) => ({ ...compatibleModelDefaults, id, label: id }));
  return [...catalogue, ...compatible]
    .map((model) => offer(model, env))
    .filter((model) => model.endpoint !== null || !model.provider.startsWith("demo"));
}

function offer(model: CatalogueModel, env: Environment): OfferedModel {
  const endpoint = endpointOf(model.provider, env);
  return "unavailable" in endpoint
    ? { ...model, endpoint: null, unavailableReason: endpoint.unavailable }
    : { ...model, endpoint, unavailableReason: null };
}

/** The model of a chat that asks for none: DEFAULT_MODEL if it can be used, else the first that can. */
export function defaultModel(models: readonly OfferedModel[], env: Environment): OfferedModel | null {
  return usable(models, env["DEFAULT_MODEL"]) ?? models.find((model) => model.endpoint !== null) ?? null;
}

function usable(models: readonly OfferedModel[], id: string | undefined): OfferedModel | undefined {
  return models.find((model) => model.id === id && model.endpoint !== null);
}

/**
 * The id of the model for a new reply: `wanted`, else the chat's `former` one while it can be used, else the
 * default. Throws `invalidInput` with the known models for an unknown one, `modelUnavailable` with the
 * variable to set for one that cannot be used.
 */
export function chooseModel(env: Environment, wanted: string | undefined, former?: string): string {
  const models = offeredModels(env);
  if (wanted !== undefined) {
    return requireEndpoint(requireModel(models, wanted)).id;
  }
  const model = usable(models, former) ?? defaultModel(models, env);
  if (model === null) {
    throw appError({
      kind: "modelUnavailable",
      message:
        "This deployment has no model. Set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_COMPATIBLE_BASE_URL with " +
        `OPENAI_COMPATIBLE_MODELS ${whereVariablesAre}.`,
    });
  }
  return model.id;
}

/** The model of a run that begins; throws as `chooseModel` does if it can no longer be used. */
export function modelOfRun(env: Environment, modelId: string): OfferedModel & { endpoint: Endpoint } {
  return requireEndpoint(requireModel(offeredModels(env), modelId));
}

function requireModel(models: readonly OfferedModel[], id: string): OfferedModel {
  const model = models.find((candidate) => candidate.id === id);
  if (model === undefined) {
    const known = models.map((candidate) => candidate.id).join(", ");
    throw appError({
      kind: "invalidInput",
      field: "model",
      message: `There is no model "${id}". Known: ${known}.`,
    });
  }
  return model;
}

function requireEndpoint(model: OfferedModel): OfferedModel & { endpoint: Endpoint } {
  const { endpoint } = model;
  if (endpoint === null) {
    throw appError({
      kind: "modelUnavailable",
      message: `The model "${model.id}" cannot be used. ${model.unavailableReason ?? ""}`.trim(),
    });
  }
  return { ...model, endpoint };
}
