/** Runs the official `convex dev`: pushes `convex/`, watches it, and prints function logs. */
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { startChild, type RunningChild } from "./childProcess.ts";
import { rootFolder } from "./settings.ts";
import type { EmbeddedAddress } from "./services.ts";

/** `firstPush` is true once the code runs on the deployment, false when the CLI ended before that. */
export function pushAndWatch(embedded: EmbeddedAddress | null): {
  child: RunningChild;
  firstPush: Promise<boolean>;
} {
  const { promise: pushed, resolve } = Promise.withResolvers<true>();
  let isExplained = false;
  const child = startChild({
    name: "functions",
    command: process.execPath,
    args: [join(rootFolder, "node_modules", "convex", "bin", "main.js"), "dev"],
    cwd: rootFolder,
    env: embedded === null ? process.env : { ...process.env, ...credentials(embedded) },
    onLine: (line) => {
      const plain = stripVTControlCharacters(line);
      if (plain.includes("Convex functions ready!")) {
        isExplained = false;
        resolve(true);
      }
      if (!/^[✖✘]/.test(plain) || isExplained) return false;
      isExplained = true;
      process.stdout.write(`[functions] ${line}\n${failedPush}`);
      return true;
    },
  });
  return { child, firstPush: Promise.race([pushed, child.ended.then(() => false)]) };
}

/** Told once for each push that fails: the CLI marks its errors, and says no more than what is wrong. */
const failedPush =
  "[functions] The push failed; the lines around this one say why. Save the mended file in convex/ and it is pushed again.\n";

/** CI=1 keeps the CLI from its crash reporter, whose look-up hangs without a network. */
function credentials(embedded: EmbeddedAddress): Record<string, string | undefined> {
  return {
    CI: "1",
    CONVEX_DEPLOYMENT: "",
    CONVEX_SELF_HOSTED_URL: embedded.url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: embedded.adminKey,
  };
}
