/** What running a module takes; the pushed text is not needed for it. */
import type { ModuleCode } from "../protocol/deployedCode.ts";

export type RunnableModule = Pick<ModuleCode, "path" | "sha256" | "script" | "scriptSourceMap">;
export type RunnableModules = Readonly<Record<string, RunnableModule>>;
