/** A realm in which pushed modules are loaded to see what they declare. What they throw becomes a refusal of the push. */
import type { ModuleCode } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { Realm } from "../runner/realm.ts";

export type LoadModule = (path: string) => Record<string, unknown>;

export interface EvaluationClock {
  nowMs: number;
  randomSeed: string;
}

const timeLimitMs = 10_000;

/** Loading code reads nothing of the deployment: Convex refuses it in the same words. */
function refuseSyscall(op: string): never {
  throw new Error(`${op} cannot be called while a module is loaded. Call it from within a function.`);
}

export class EvaluationRealm {
  readonly #realm: Realm;

  constructor(
    modules: Record<string, ModuleCode>,
    env: Record<string, string>,
    { nowMs, randomSeed }: EvaluationClock,
  ) {
    this.#realm = new Realm(modules, {
      environment: "analysis",
      host: { syscall: refuseSyscall, asyncSyscall: refuseSyscall, jsSyscall: refuseSyscall },
      env,
      log: () => undefined, // what modules print while loading is nobody's call's output
      nowMs,
      randomSeed,
      timeLimitMs,
    });
  }

  /** `task` completes "Failed to …". Throws InvalidModules with the user's error and its position in the pushed file. */
  evaluate<Value>(task: string, body: (load: LoadModule) => Value): Value {
    try {
      return body((path) => this.#realm.importModule(path));
    } catch (error) {
      if (error instanceof DeploymentError) throw error;
      const { message } = this.#realm.describeError(error);
      throw new DeploymentError("InvalidModules", `Failed to ${task}: ${message}`, { cause: error });
    }
  }
}
