/** ctx.storage in queries and mutations: URLs, metadata, deletion. Bytes pass through the deployment port, or actions. */
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { FunctionFrame } from "../runner/functionRun.ts";
import type { SyscallArgs } from "../runner/syscallArgs.ts";
import type { Secrets } from "../store/secrets.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { findFile } from "./fileRows.ts";
import type { FileStore } from "./fileStore.ts";
import { issueUploadToken } from "./uploadTokens.ts";

/** What the functions of a deployment need of its file storage. */
export interface StorageServices {
  store: FileStore;
  secrets: Secrets;
  /** Origin of the deployment port, as clients reach it. */
  origin: () => string;
  nowMs: () => number;
}

/** One component's view of its files, inside one transaction. */
export interface StorageFrame {
  storage: StorageServices;
  transaction: Transaction;
  componentPath: ComponentPath;
}

type StorageSyscall = (frame: StorageFrame, args: SyscallArgs) => string;

export const readingStorageSyscalls: Readonly<Record<string, StorageSyscall>> = {
  "1.0/storageGetUrl": ({ storage, transaction, componentPath }, args) => {
    const file = findFile(transaction, componentPath, ...storageIdOf(args, "storage.getUrl"));
    if (!file) return "null";
    const query = componentPath === "" ? "" : `?component=${encodeURIComponent(componentPath)}`;
    return JSON.stringify(`${storage.origin()}/api/storage/${file.uuid}${query}`);
  },
  "1.0/storageGetMetadata": ({ transaction, componentPath }, args) => {
    const file = findFile(transaction, componentPath, ...storageIdOf(args, "storage.getMetadata"));
    if (!file) return "null";
    // This call is older than the table `_storage` and speaks of both ids in its own way.
    const sha256 = Buffer.from(file.sha256, "base64").toString("hex");
    const { uuid: storageId, size, contentType } = file;
    return JSON.stringify({ storageId, sha256, size, contentType });
  },
  "1.0/storageGenerateUploadUrl": ({ storage, componentPath }) => {
    const token = issueUploadToken(storage.secrets, componentPath, storage.nowMs());
    return JSON.stringify(`${storage.origin()}/api/storage/upload?token=${token}`);
  },
};

export const writingStorageSyscalls: Readonly<Record<string, StorageSyscall>> = {
  "1.0/storageDelete": ({ storage, transaction, componentPath }, args) => {
    const [storageId, method] = storageIdOf(args, "storage.delete");
    const file = findFile(transaction, componentPath, storageId, method);
    if (!file) throw new Error(`storage id ${storageId} not found`);
    storage.store.remove(transaction, componentPath, file);
    return "null";
  },
};

/** As a syscall of a query or a mutation. */
export function inFunction(
  syscalls: Readonly<Record<string, StorageSyscall>>,
): Record<string, (frame: FunctionFrame, args: SyscallArgs) => string> {
  const adapted = Object.entries(syscalls).map(([op, syscall]) => [
    op,
    ({ fn, request, services }: FunctionFrame, args: SyscallArgs) => {
      const { transaction } = request;
      return syscall({ storage: services.storage, transaction, componentPath: fn.componentPath }, args);
    },
  ]);
  return Object.fromEntries(adapted) as ReturnType<typeof inFunction>;
}

function storageIdOf(args: SyscallArgs, method: string): [storageId: string, method: string] {
  const storageId = args.json("storageId");
  if (typeof storageId === "string") return [storageId, method];
  const problem =
    storageId === undefined
      ? "missing field `storageId`"
      : `invalid type: ${typeof storageId}, expected a string`;
  throw new Error(`Invalid arguments for \`${method}\`: ${problem}`);
}
