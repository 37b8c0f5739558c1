/** Whether something has lasted longer than it should. */
import { useEffect, useState } from "react";

/** True once `isWaiting` has been true for `patienceMs` without a break; false again with it. */
export function useIsOverdue(isWaiting: boolean, patienceMs: number): boolean {
  const [isOverdue, setIsOverdue] = useState(false);
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setTimeout(() => setIsOverdue(true), patienceMs);
    return () => {
      clearTimeout(timer);
      setIsOverdue(false);
    };
  }, [isWaiting, patienceMs]);
  return isWaiting && isOverdue;
}
