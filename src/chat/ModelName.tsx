/** Which model wrote a reply, and a badge where that model is only the demo. */
import { useModels } from "./useModels.ts";

const nameClass = "ml-auto text-xs text-muted-foreground";

export function ModelName({ modelId }: { modelId: string }) {
  const models = useModels();
  const entry = models.status === "ready" ? models.models.find((model) => model.id === modelId) : undefined;
  if (entry === undefined) return null;
  if (entry.provider !== "demo") return <span className={nameClass}>{entry.label}</span>;
  return (
    <span
      data-testid="demo-badge"
      title="A simulated model on this machine answers. Set a provider key to talk to a real one."
      className={`${nameClass} rounded-full border border-border bg-muted px-2.5 py-0.5`}
    >
      {entry.label}
    </span>
  );
}
