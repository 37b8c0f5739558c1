/** The text of one composer; typing writes it down. */
import { useCallback, useSyncExternalStore } from "react";
import { drafts, type Draft } from "../sending/drafts.ts";

export interface DraftEditor extends Draft {
  write: (text: string) => void;
  reportProblem: (problem: string) => void;
  dismissProblem: () => void;
}

export function useDraft(draftKey: string): DraftEditor {
  const draft = useSyncExternalStore(drafts.subscribe, () => drafts.get(draftKey));
  const write = useCallback((text: string) => drafts.write(draftKey, text), [draftKey]);
  const reportProblem = useCallback((problem: string) => drafts.reportProblem(draftKey, problem), [draftKey]);
  const dismissProblem = useCallback(() => drafts.dismissProblem(draftKey), [draftKey]);
  return { ...draft, write, reportProblem, dismissProblem };
}
