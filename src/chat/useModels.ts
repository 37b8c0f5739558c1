/** The models this deployment offers, with the reason where one cannot be used. */
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../convex/_generated/api.js";

export type ModelEntry = FunctionReturnType<typeof api.models.list>[number];

export type Models = { status: "loading" } | { status: "ready"; models: ModelEntry[] };

export function useModels(): Models {
  const models = useQuery(api.models.list, {});
  return models === undefined ? { status: "loading" } : { status: "ready", models };
}
