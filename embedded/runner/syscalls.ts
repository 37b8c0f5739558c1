/** Every syscall of a query or a mutation, by its name in `convex/server`. Answers are encoded JSON. */
import {
  countDocuments,
  getDocument,
  insertDocument,
  normalizeId,
  patchDocument,
  removeDocument,
  replaceDocument,
} from "./databaseSyscalls.ts";
import { inFunction, readingStorageSyscalls, writingStorageSyscalls } from "../files/storageSyscalls.ts";
import { createFunctionHandle, runUdf } from "./callSyscalls.ts";
import type { FunctionFrame } from "./functionRun.ts";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
  snapshotTs,
  transactionMetrics,
  userIdentity,
} from "./metadataSyscalls.ts";
import { hideCommitTs, resolveCommitTs } from "./pendingCommitTs.ts";
import { cleanUpQuery, nextOfQuery, openQuery, readPage } from "./querySyscalls.ts";
import { cancelJob, scheduleJob } from "./scheduleSyscalls.ts";
import { SyscallArgs } from "./syscallArgs.ts";

export type Syscall = (frame: FunctionFrame, args: SyscallArgs) => string;

const SYNC_SYSCALLS: Readonly<Record<string, Syscall>> = {
  "1.0/queryStream": openQuery,
  "1.0/queryCleanup": cleanUpQuery,
  "1.0/db/normalizeId": normalizeId,
  "1.0/getSnapshotTs": snapshotTs,
};

const READING_SYSCALLS: Readonly<Record<string, Syscall>> = {
  "1.0/get": getDocument,
  "1.0/queryStreamNext": nextOfQuery,
  "1.0/queryPage": readPage,
  "1.0/count": countDocuments,
  "1.0/runUdf": runUdf,
  "1.0/getUserIdentity": userIdentity,
  "1.0/createFunctionHandle": createFunctionHandle,
  "1.0/getFunctionMetadata": functionMetadata,
  "1.0/getRequestMetadata": requestMetadata,
  "1.0/getDeploymentMetadata": deploymentMetadata,
  "1.0/getTransactionMetrics": transactionMetrics,
  ...inFunction(readingStorageSyscalls),
};

const WRITING_SYSCALLS: Readonly<Record<string, Syscall>> = {
  "1.0/insert": insertDocument,
  "1.0/shallowMerge": patchDocument,
  "1.0/replace": replaceDocument,
  "1.0/remove": removeDocument,
  "1.0/schedule": scheduleJob,
  "1.0/cancel_job": cancelJob,
  ...inFunction(writingStorageSyscalls),
};

const NOT_YET: readonly (readonly [prefix: string, what: string])[] = [
  ["1.0/signJwt", "Signing tokens with `ctx.auth.signJwt`"],
  ["1.0/actions/vectorSearch", "Vector search"],
  ["1.0/createServiceToken", "The AI gateway"],
  ["1.0/getServiceUrl", "The AI gateway"],
];

export function answerSyscall(frame: FunctionFrame, op: string, argsJson: string): string {
  const syscall = SYNC_SYSCALLS[op];
  if (!syscall) throw new Error(unknownSyscall(op));
  return answer(syscall, frame, argsJson);
}

export function answerAsyncSyscall(frame: FunctionFrame, op: string, argsJson: string): string {
  const writing = WRITING_SYSCALLS[op];
  if (writing && frame.kind === "query")
    throw new Error(`${op} is not available in queries: they only read.`);
  const syscall = writing ?? READING_SYSCALLS[op];
  if (!syscall) throw new Error(unknownSyscall(op));
  return answer(syscall, frame, argsJson);
}

function answer(syscall: Syscall, frame: FunctionFrame, argsJson: string): string {
  const { transaction } = frame.request;
  const given = resolveCommitTs(argsJson, transaction);
  return hideCommitTs(syscall(frame, SyscallArgs.parse(given)), transaction);
}

/** A sentence for what `convex/server` can ask for and this deployment does not do. */
export function unknownSyscall(op: string): string {
  const known = NOT_YET.find(([prefix]) => op.startsWith(prefix));
  if (known)
    return `${known[1]} is not part of the embedded deployment yet (${op}). Deploy to Convex to use it.`;
  return `Unknown async operation ${op}`;
}
