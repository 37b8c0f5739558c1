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

/** What is a DeploymentError already is passed on. */
export function folderUnusable(dataDir: string, cause: unknown): DeploymentError {
  if (cause instanceof DeploymentError) return cause;
  const { code = "", message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { message: String(cause) };
  const reason = reasons[code] ?? message;
  return new DeploymentError(
    "FolderUnusable",
    `The data folder ${dataDir} cannot be used: ${reason}. Choose another data folder, or mend or remove this one; ` +
      "what it holds is lost when it is removed.",
    { cause },
  );
}
