/** Chooses the model of the next message; models that cannot be used are listed with the reason. */
import { Icon } from "../ui/Icon.tsx";
import type { ModelChoice } from "./useModelChoice.ts";

export function ModelPicker({ choice }: { choice: ModelChoice }) {
  if (choice.status === "loading") return <div className="skeleton h-7 w-28" />;
  if (choice.status === "unavailable") return null;
  return (
    <label className="relative flex min-w-0 items-center text-sm text-muted-foreground transition-colors hover:text-foreground">
      <span className="sr-only">Model</span>
      <select
        data-testid="model-picker"
        value={choice.model.id}
        onChange={(event) => choice.choose(event.target.value)}
        className="h-8 max-w-64 min-w-0 field-sizing-content cursor-pointer appearance-none truncate rounded-lg bg-transparent pr-7 pl-2.5 hover:bg-muted"
      >
        {choice.models.map((model) => (
          <option key={model.id} value={model.id} disabled={!model.available}>
            {model.available ? model.label : `${model.label} (${model.unavailableReason ?? "not available"})`}
          </option>
        ))}
      </select>
      <span className="pointer-events-none absolute right-1.5">
        <Icon name="chevron" size={16} />
      </span>
    </label>
  );
}
