/** Usage of each function since the start of the process. */
import type { FunctionUsage } from "../protocol/calls.ts";
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { UsageCounts } from "../transaction/transactionUsage.ts";

export class UsageLedger {
  readonly #entries = new Map<string, FunctionUsage>();

  /** One run. What it used counts also when its writes were undone. */
  countRun(componentPath: ComponentPath, name: string, usage: UsageCounts | null, failed: boolean): void {
    const entry = this.#entry(componentPath, name);
    entry.calls++;
    if (failed) entry.errors++;
    if (!usage) return;
    entry.documentsRead += usage.documentsRead;
    entry.bytesRead += usage.bytesRead;
    entry.documentsWritten += usage.documentsWritten;
    entry.bytesWritten += usage.bytesWritten;
  }

  /** Only of functions that ran: names come from outside, and one that is no function's must not be kept. */
  countBytesSent(componentPath: ComponentPath, name: string, bytes: number): void {
    const entry = this.#entries.get(keyOf(componentPath, name));
    if (entry) entry.bytesSent += bytes;
  }

  all(): FunctionUsage[] {
    return [...this.#entries.values()].map((entry) => ({ ...entry }));
  }

  #entry(componentPath: ComponentPath, name: string): FunctionUsage {
    const key = keyOf(componentPath, name);
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        componentPath,
        name,
        calls: 0,
        errors: 0,
        documentsRead: 0,
        bytesRead: 0,
        documentsWritten: 0,
        bytesWritten: 0,
        bytesSent: 0,
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }
}

function keyOf(componentPath: ComponentPath, name: string): string {
  return `${componentPath}:${name}`;
}
