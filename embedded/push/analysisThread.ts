/** Entry of the analysis thread: evaluates one push, answers once, and is ended by whoever started it. */
import { parentPort, workerData } from "node:worker_threads";
import { DeploymentError } from "../protocol/deploymentError.ts";
import { ModuleRefused } from "../runner/compileModules.ts";
import type { AnalysisAnswer, AnalysisInput } from "./analysisMessages.ts";
import { analyze } from "./analyze.ts";

async function answer(input: AnalysisInput): Promise<AnalysisAnswer> {
  try {
    return { status: "done", output: await analyze(input) };
  } catch (error) {
    if (error instanceof ModuleRefused)
      return { status: "refused", code: "InvalidModules", message: error.message };
    if (error instanceof DeploymentError)
      return { status: "refused", code: error.code, message: error.message };
    throw error;
  }
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
parentPort?.postMessage(await answer(workerData as AnalysisInput));
