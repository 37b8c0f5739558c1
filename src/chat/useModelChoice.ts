/** Which model the next message goes to: chosen here, or the chat's, or the last one chosen, or the default. */
import { useCallback, useState } from "react";
import { readStored, writeStored } from "../storedValue.ts";
import type { ModelEntry } from "./useModels.ts";
import { useModels } from "./useModels.ts";

const STORAGE_KEY = "duet.model";

export type ModelChoice =
  | { status: "loading" }
  /** No model can answer; `models` say why. */
  | { status: "unavailable"; models: ModelEntry[] }
  | { status: "ready"; models: ModelEntry[]; model: ModelEntry; choose: (modelId: string) => void };

export function useModelChoice(chatModel: string | null): ModelChoice {
  const models = useModels();
  const [chosen, setChosen] = useState<string | null>(null);
  const [lastChosen] = useState(() => readStored(STORAGE_KEY));

  const choose = useCallback((modelId: string) => {
    setChosen(modelId);
    writeStored(STORAGE_KEY, modelId);
  }, []);

  if (models.status === "loading") return models;
  const available = models.models.filter((entry) => entry.available);
  const wishes = [chosen, chatModel, lastChosen];
  const model =
    wishes.map((wish) => available.find((entry) => entry.id === wish)).find((entry) => entry !== undefined) ??
    available.find((entry) => entry.isDefault) ??
    available[0];
  if (model === undefined) return { status: "unavailable", models: models.models };
  return { status: "ready", models: models.models, model, choose };
}
