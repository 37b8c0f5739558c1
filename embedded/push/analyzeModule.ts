/** What one loaded module declares: functions, HTTP routes, crons. */
import type { HttpRoute } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalyzedFunction, AnalyzedModule } from "../protocol/pushMessages.ts";

/** As `queryGeneric` and its kin make it (`convex/src/server/impl/registration_impl.ts`). */
interface RegisteredFunction {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isPublic?: boolean;
  isInternal?: boolean;
  exportArgs(): string;
  exportReturns(): string;
}

export function analyzeModule(path: string, exports: Record<string, unknown>): AnalyzedModule {
  return {
    functions: Object.entries(exports).flatMap(([name, value]) => analyzeFunction(path, name, value)),
    httpRoutes: path === "http.js" ? httpRoutes(exports["default"]) : null,
    cronSpecs: path === "crons.js" ? cronSpecs(exports["default"]) : null,
    sourceMapped: null,
  };
}

function analyzeFunction(path: string, name: string, value: unknown): AnalyzedFunction[] {
  if (typeof value !== "function") return [];
  const registered = value as unknown as RegisteredFunction;
  const kinds = (["Query", "Mutation", "Action"] as const).filter((kind) => registered[`is${kind}`] === true);
  const [udfType] = kinds;
  if (udfType === undefined) return []; // an HTTP action, or a function of the module's own
  if (kinds.length > 1) throw invalid(`${path}: ${name} is ${kinds.join(" and ")} at once.`);
  if (registered.isPublic === registered.isInternal) {
    throw invalid(`${path}: ${name} must be either public or internal.`);
  }
  return [
    {
      name,
      pos: null,
      udfType,
      visibility: { kind: registered.isInternal === true ? "internal" : "public" },
      args: validatorJson(registered.exportArgs()),
      returns: validatorJson(registered.exportReturns()),
    },
  ];
}

/** The encoded `null` stands for a validator that was not given. */
function validatorJson(encoded: string): string | null {
  return encoded === "null" ? null : encoded;
}

function httpRoutes(router: unknown): HttpRoute[] {
  const { isRouter, getRoutes } = (router ?? {}) as {
    isRouter?: boolean;
    getRoutes?: () => Iterable<unknown>;
  };
  if (isRouter !== true || getRoutes === undefined) {
    throw invalid("http.ts has no default export made with httpRouter().");
  }
  return Array.from(getRoutes(), (route) => {
    const [path, method] = route as [string, string];
    return { path, method };
  });
}

function cronSpecs(crons: unknown): [string, unknown][] {
  const exported = crons as { isCrons?: boolean; export?: () => string } | null | undefined;
  if (exported?.isCrons !== true || exported.export === undefined) {
    throw invalid("crons.ts has no default export made with cronJobs().");
  }
  return Object.entries(JSON.parse(exported.export()) as Record<string, unknown>);
}

function invalid(message: string): DeploymentError {
  return new DeploymentError("InvalidModules", message);
}
