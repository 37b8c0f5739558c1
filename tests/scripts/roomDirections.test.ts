/** The lint configuration itself: every import that crosses a wall is refused, and the doors are open. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { rootFolder } from "../support/serviceProcess.ts";

const refused: [file: string, imported: string][] = [
  ["src/chat/planted.ts", "../../convex/schema.ts"],
  ["src/chat/planted.ts", "../../convex/schema"],
  ["src/chat/planted.ts", "../../convex/model/access.ts"],
  ["src/chat/planted.ts", "../../convex/streaming/replyPump.ts"],
  ["src/planted.ts", "../embedded/main.ts"],
  ["src/planted.ts", "../bench/main.ts"],
  ["src/planted.ts", "../scripts/dev.ts"],
  ["src/streaming/planted.ts", "../../demo/main.ts"],
  ["src/streaming/planted.ts", "react"],
  ["convex/planted.ts", "../src/main.tsx"],
  ["convex/model/planted.ts", "../../scripts/dev.ts"],
  ["convex/model/planted.ts", "../providers/createProvider.ts"],
  ["convex/runs.ts", "./providers/openaiChat.ts"],
  ["convex/runs.ts", "openai"],
  ["embedded/http/planted.ts", "../../convex/schema.ts"],
  ["embedded/http/planted.ts", "../../demo/main.ts"],
  ["demo/planted.ts", "../embedded/main.ts"],
  ["scripts/planted.ts", "../embedded/main.ts"],
  ["scripts/planted.ts", "../convex/schema.ts"],
];

const allowed: [file: string, imported: string][] = [
  ["src/chat/open.ts", "../../convex/_generated/api.js"],
  ["src/chat/open.ts", "../../convex/shared/errors.ts"],
  ["src/chat/open.ts", "convex/react"],
  ["src/streaming/useOpen.ts", "react"],
  ["convex/open.ts", "./providers/openaiChat.ts"],
  ["convex/model/open.ts", "../providers/catalogue.ts"],
  ["tests/open.ts", "../embedded/main.ts"],
];

test("every import that leaves its room is refused, and no other", async () => {
  const folder = await mkdtemp(join(tmpdir(), "duet-lint-"));
  try {
    await cp(join(rootFolder, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    await symlink(join(rootFolder, "node_modules"), join(folder, "node_modules"), "junction");
    const lines = new Map<string, string[]>();
    for (const [file, imported] of [...refused, ...allowed]) {
      const known = lines.get(file) ?? [];
      lines.set(file, [...known, `export * as imported${known.length} from "${imported}";`]);
    }
    for (const [file, text] of lines) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), `${text.join("\n")}\n`);
    }
    expect(await refusedImports(folder, [...lines.keys()])).toEqual(
      refused.map(([file, imported]) => `${file}: ${imported}`).toSorted(),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

interface LintReport {
  diagnostics: { code: string; message: string; filename: string }[];
}

async function refusedImports(folder: string, files: string[]): Promise<string[]> {
  const linter = join(rootFolder, "node_modules", "oxlint", "bin", "oxlint");
  const report = await new Promise<string>((resolve) => {
    // It exits with 1 when it finds something, which is what it is here for.
    execFile(process.execPath, [linter, "-f", "json", ...files], { cwd: folder }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  return (JSON.parse(report) as LintReport).diagnostics
    .filter(({ code }) => code.includes("no-restricted-imports"))
    .map(({ filename, message }) => `${filename}: ${/'([^']+)'/.exec(message)?.[1]}`)
    .toSorted();
}
