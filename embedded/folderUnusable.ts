/** Says in a sentence why a data folder cannot be used, whoever of the threads found it out. */
import { DeploymentError } from "./protocol/deploymentError.ts";

const reasons: Readonly<Record<string, string>> = {
  EEXIST: "it is a file",
  ENOTDIR: "a part of its path is a file",
  ENOENT: "it cannot be made there",
  EACCES: "this user may not read and write there",
  EPERM: "this user may not read and write there",
  EROFS: "its file system is read-only",
  ENOSPC: "its disk is full",
};

/** By SQLite's primary result code: https://sqlite.org/rescode.html */
const databaseReasons: Readonly<Record<number, (message: string) => string>> = {
  8: () => "its files may not be written", // READONLY
  10: (message) => `its disk fails, or is full (${message})`, // IOERR
  11: databaseDamaged, // CORRUPT
  13: () => "its disk is full", // FULL
  14: () => "its database may not be opened by this user", // CANTOPEN
  26: databaseDamaged, // NOTADB
};

function databaseDamaged(found: string): string {
  return `its database is damaged (${found}); a backup can be restored into another folder`;
}

/** What is a DeploymentError already is passed on. */
export function folderUnusable(dataDir: string, cause: unknown): DeploymentError {
  if (cause instanceof DeploymentError) return cause;
  const { code = "", errcode, message } = faultOf(cause);
  const reason = reasons[code] ?? databaseReasons[(errcode ?? 0) & 0xff]?.(message) ?? message;
  return new DeploymentError(
    "FolderUnusable",
    `The data folder ${dataDir} cannot be used: ${reason}. Choose another data folder, or mend or remove this one; ` +
      "what it holds is lost when it is removed.",
    { cause },
  );
}

function faultOf(cause: unknown): { code?: string; errcode?: number; message: string } {
  if (cause instanceof Error) return cause;
  return { message: String(cause) };
}
