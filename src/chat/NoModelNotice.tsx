/** Says which variable to set when this deployment can reach no model. */
import { whereVariablesAre } from "../../convex/shared/whereVariablesAre.ts";
import type { ModelEntry } from "./useModels.ts";

export function NoModelNotice({ models }: { models: readonly ModelEntry[] }) {
  const reasons = [...new Set(models.flatMap((model) => model.unavailableReason ?? []))];
  return (
    <div role="note" className="mb-3 rounded-xl border border-warning/40 bg-warning/10 px-4 py-3 text-sm">
      <p className="font-medium">No model is set up yet</p>
      <ul className="mt-1 list-disc space-y-0.5 pl-5 text-muted-foreground">
        {reasons.length === 0 && <li>Set OPENAI_API_KEY or ANTHROPIC_API_KEY {whereVariablesAre}.</li>}
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}
