/** What a caller and the log are told of an error that user code threw, in Convex's words and with the pushed files' lines. */
import { SourceMap, type SourceMapPayload } from "node:module";
import { moduleUrlPrefix } from "./moduleLoader.ts";
import type { RunnableModule, RunnableModules } from "./runnableModule.ts";

export interface UserError {
  /** "Uncaught Error: text\n    at handler (../convex/messages.ts:12:3)". */
  message: string;
  /** Convex JSON, encoded, of a ConvexError's data. */
  dataJson?: string;
}

const maxFrames = 10;
/** "    at handler (convex:/messages.js:12:3)", "    at convex:/messages.js:12:3", "    at async handler (...)". */
const framePattern = /^\s*at (?:async )?(?:(.+?) \()?(convex:\/[^)]+?):(\d+):(\d+)\)?$/;

/** What was thrown, read: asking it for more could run user code. */
export type ThrownError =
  | { kind: "value"; text: string }
  | { kind: "error"; name: string; message: string; stack: string; dataJson: string | null };

/** `modules` are those the code came from. Never throws, whatever was thrown; runs user code where that has getters. */
export function describeUserError(error: unknown, modules: RunnableModules): UserError {
  return describeThrown(readThrown(error), modules);
}

/** Never throws. An error may have getters that never return: what must not stand still reads it within a limit. */
export function readThrown(error: unknown): ThrownError {
  try {
    return read(error);
  } catch {
    // What a getter throws may be as unreadable as what it belongs to.
    return { kind: "value", text: "error that could not be read" };
  }
}

export function describeThrown(thrown: ThrownError, modules: RunnableModules): UserError {
  if (thrown.kind === "value") return { message: `Uncaught ${thrown.text}` };
  const { name, message, stack, dataJson } = thrown;
  const text = message === "" ? "" : `: ${message}`;
  const described = [`Uncaught ${name}${text}`, ...mapFrames(stack, modules)].join("\n");
  return dataJson === null ? { message: described } : { message: described, dataJson };
}

function read(error: unknown): ThrownError {
  if (typeof error !== "object" || error === null) return { kind: "value", text: String(error) };
  const { name, message, stack, data } = error as Partial<Record<string, unknown>>;
  // convex/server encodes the data of a ConvexError and marks it before it lets the error out.
  const isConvexError = "ConvexErrorSymbol" in error && typeof data === "string";
  return {
    kind: "error",
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "",
    stack: typeof stack === "string" ? stack : "",
    dataJson: isConvexError ? data : null,
  };
}

function mapFrames(stack: string, modules: RunnableModules): string[] {
  const frames: string[] = [];
  for (const line of stack.split("\n")) {
    const match = framePattern.exec(line);
    if (!match) continue;
    const [, functionName, url = "", lineNumber, column] = match;
    const path = url.slice(moduleUrlPrefix.length);
    const position = originalPosition(modules[path], path, Number(lineNumber), Number(column));
    if (position === null) continue;
    frames.push(functionName ? `    at ${functionName} (${position})` : `    at ${position}`);
    if (frames.length === maxFrames) break;
  }
  return frames;
}

/** null for a frame inside the packages of `node_modules` that every function passes through. */
function originalPosition(
  code: RunnableModule | undefined,
  path: string,
  line: number,
  column: number,
): string | null {
  const map = code && sourceMapOf(code);
  if (!map) return `${path}:${line}:${column}`;
  const entry = map.findEntry(line - 1, column - 1);
  if (!("originalSource" in entry)) return `${path}:${line}:${column}`;
  if (entry.originalSource.includes("node_modules/convex/")) return null;
  return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn}`;
}

const parsedMaps = new WeakMap<RunnableModule, SourceMap>();

function sourceMapOf(code: RunnableModule): SourceMap | null {
  if (code.scriptSourceMap === null) return null;
  const known = parsedMaps.get(code);
  if (known) return known;
  const map = new SourceMap(JSON.parse(code.scriptSourceMap) as SourceMapPayload);
  parsedMaps.set(code, map);
  return map;
}
