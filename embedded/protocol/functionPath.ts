/**
 * The path by which a caller names a function, "messages:send" or "admin/users.js:list": checked with Convex's rules
 * (`sync_types`: module_path, path, identifier), before anything keeps it.
 */
import { canonicalFunctionName } from "./deployedCode.ts";
import { DeploymentError } from "./deploymentError.ts";

/** Of a module's name, a folder's or a function's. */
const maxPartLength = 64;
/** Convex has none for the whole; no file's path is longer. */
const maxPathLength = 4096;
const shown = 100;

/** "messages:send" as "messages.js:send". Throws BadConvexFunctionIdentifier with Convex's sentence. */
export function checkedFunctionName(path: string): string {
  const problem = pathProblem(path);
  if (problem === null) return canonicalFunctionName(path);
  throw new DeploymentError(
    "BadConvexFunctionIdentifier",
    `${shortened(path)} is not a valid path to a Convex function. ${problem}`,
  );
}

function pathProblem(path: string): string | null {
  if (path.length > maxPathLength) return `It is too long (${path.length} > maximum ${maxPathLength}).`;
  const colon = path.lastIndexOf(":");
  const modulePath = colon === -1 ? path : path.slice(0, colon);
  return modulePathProblem(modulePath) ?? (colon === -1 ? null : identifierProblem(path.slice(colon + 1)));
}

function modulePathProblem(path: string): string | null {
  if (path.startsWith("/")) return `Module paths must be relative (${shortened(path)} is absolute).`;
  // As a file system reads it: "a//b/./c/" is "a/b/c".
  const parts = path.split("/").filter((part, index) => part !== "" && (part !== "." || index === 0));
  const name = parts.at(-1);
  if (name === undefined || name === "." || name === "..")
    return `Module path ${shortened(path)} doesn't have a filename.`;
  const dot = name.lastIndexOf(".");
  if (dot > 0 && name.slice(dot) !== ".js")
    return `Module path (${shortened(path)}) has an extension that isn't 'js'.`;
  for (const part of parts) {
    const problem = partProblem(part);
    if (problem !== null) return problem;
  }
  return null;
}

function partProblem(part: string): string | null {
  if (part === "." || part === "..") return `Invalid path component ${part}.`;
  if (part.length > maxPartLength)
    return `Path component is too long (${part.length} > maximum ${maxPartLength}): ${part.slice(0, maxPartLength)}...`;
  if (!/^[A-Za-z0-9_.]*$/.test(part))
    return `Path component ${part} can only contain alphanumeric characters, underscores, or periods.`;
  if (!/[A-Za-z0-9]/.test(part))
    return `Path component ${part} must have at least one alphanumeric character.`;
  return null;
}

function identifierProblem(name: string): string | null {
  const [first] = name;
  if (first === undefined) return "Identifier cannot be empty";
  if (!/[A-Za-z_]/.test(first)) {
    return `Invalid first character '${first}' in ${shortened(name)}: Identifiers must start with an alphabetic character or underscore`;
  }
  const invalid = /[^A-Za-z0-9_]/u.exec(name)?.[0];
  if (invalid !== undefined) {
    return `Identifier ${shortened(name)} has invalid character '${invalid}': Identifiers can only contain alphanumeric characters or underscores`;
  }
  if (name.length > maxPartLength)
    return `Identifier is too long (${name.length} > maximum ${maxPartLength})`;
  if (/^_*$/.test(name)) return `Identifier ${name} cannot have exclusively underscores`;
  return null;
}

/** What is quoted goes back to the caller and into logs. */
function shortened(text: string): string {
  return text.length > shown ? `${text.slice(0, shown)}...` : text;
}
