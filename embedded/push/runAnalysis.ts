/**
 * Analyses a push in a short-lived thread of its own: a pushed module that loops or eats memory ends that thread, not
 * the deployment.
 */
import { Worker } from "node:worker_threads";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalysisAnswer, AnalysisInput, AnalysisOutput } from "./analysisMessages.ts";

const timeLimitMs = 30_000;
const heapLimitMb = 1_024;

/** Rejects with InvalidModules or another user error that says what the pushed code does wrong. */
export async function runAnalysis(input: AnalysisInput): Promise<AnalysisOutput> {
  const worker = new Worker(new URL("./analysisThread.ts", import.meta.url), {
    workerData: input,
    name: "analysis",
    resourceLimits: { maxOldGenerationSizeMb: heapLimitMb },
  });
  try {
    const answer = await answerOf(worker);
    if (answer.status === "done") return answer.output;
    throw new DeploymentError(answer.code, answer.message);
  } finally {
    await worker.terminate();
  }
}

function answerOf(worker: Worker): Promise<AnalysisAnswer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const seconds = timeLimitMs / 1000;
      reject(
        invalid(`Loading the pushed modules took longer than ${seconds} s: is there a loop at module scope?`),
      );
    }, timeLimitMs);
    worker.once("message", (answer: AnalysisAnswer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    worker.once("error", (error) => {
      clearTimeout(timer);
      reject(
        isOutOfMemory(error)
          ? invalid(`Loading the pushed modules needs more than ${heapLimitMb} MB.`)
          : error,
      );
    });
  });
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function invalid(message: string): DeploymentError {
  return new DeploymentError("InvalidModules", message);
}
