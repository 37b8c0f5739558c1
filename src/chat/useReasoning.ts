/** What a model thought of a reply: heard by its driver, read from the database by everybody else while it is open. */
import { useQuery } from "convex/react";
import { useMemo, useState } from "react";
import { api } from "../../convex/_generated/api.js";
import {
  allRead,
  mergeReasoning,
  nothingRead,
  readOn,
  type LiveReasoning,
  type Thought,
} from "../streaming/mergeReasoning.ts";

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
  // Rows that are full are read once: the whole of it again each second would be the square of a long thought.
  const [read, setRead] = useState(nothingRead);
  const { fromPart } = read;
  const args = fromPart === 0 ? { streamId } : { streamId, fromPart };
  const answer = useQuery(api.reasoning.get, isOpen && !hasHeardAll ? args : "skip");
  const newest = useMemo(() => (answer ? readOn(read, answer) : read), [read, answer]);
  if (newest.fromPart > fromPart) setRead(newest);
  const thoughts = useMemo(
    () => (isOpen ? mergeReasoning(allRead(newest), live) : nothing),
    [isOpen, newest, live],
  );
  const isLoading = !hasHeardAll && answer === undefined && thoughts.length === 0;
  return {
    status: !isOpen ? "closed" : isLoading ? "loading" : "shown",
    thoughts,
    isTruncated: answer?.isTruncated ?? false,
  };
}
