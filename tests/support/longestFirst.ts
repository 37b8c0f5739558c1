/**
 * In which order files of tests begin. Vitest knows how long a file takes only where it has run before, which a fresh
 * clone has not, and begins with the largest; the longest are none of those, and one that begins last is waited for alone.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files of over twenty seconds, the longest first; most of that is waiting for processes, leases and deletions. */
const longest = [
  "tests/faults/planted/plants.test.ts",
  "tests/embedded/torture/crash.test.ts",
  "tests/embedded/torture/badInput.test.ts",
  "tests/faults/shortRun.test.ts",
  "tests/e2e/processDeath.test.ts",
  "tests/e2e/chatDeletion.test.ts",
  "tests/embedded/operation/stop.test.ts",
  "tests/embedded/process.test.ts",
  "tests/scripts/dev.test.ts",
  "tests/conformance/cliPush.test.ts",
  "tests/conformance/cliRun.test.ts",
];

/** Groups go one after another whatever the order is; this is the order within each. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const paths = longest.map((path) => join(root, path));
    const gone = longest.filter((_, index) => !existsSync(paths[index]!));
    if (gone.length > 0)
      throw new Error(`${import.meta.filename} names what is not there: ${gone.join(", ")}`);
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const rank = paths.indexOf(moduleId);
      return rank === -1 ? paths.length : rank;
    };
    return (await super.sort(files)).toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
