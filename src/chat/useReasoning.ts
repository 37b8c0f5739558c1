/** What a model thought of a reply: heard by its driver, read from the database by everybody else while it is open. */
import { useQuery } from "convex/react";
import { useMemo } from "react";
import { api } from "../../convex/_generated/api.js";
import { mergeReasoning, type LiveReasoning, type Thought } from "../streaming/mergeReasoning.ts";

export interface Reasoning {
  status: "closed" | "loading" | "shown";
  thoughts: readonly Thought[];
  isTruncated: boolean;
}

const nothing: readonly Thought[] = [];

export function useReasoning(
  streamId: string,
  { isOpen, isDriver, live }: { isOpen: boolean; isDriver: boolean; live: LiveReasoning | null },
): Reasoning {
  // A driver that heard everything from the beginning needs no one else.
  const hasHeardAll = isDriver && live?.from === 0;
  const answer = useQuery(api.reasoning.get, isOpen && !hasHeardAll ? { streamId } : "skip");
  const persisted = answer?.thoughts ?? nothing;
  const thoughts = useMemo(
    () => (isOpen ? mergeReasoning(persisted, live) : nothing),
    [isOpen, persisted, live],
  );
  const isLoading = !hasHeardAll && answer === undefined && thoughts.length === 0;
  return {
    status: !isOpen ? "closed" : isLoading ? "loading" : "shown",
    thoughts,
    isTruncated: answer?.isTruncated ?? false,
  };
}
