/** Copies text and says for a moment how it went. */
import { useCallback, useEffect, useRef, useState } from "react";

const SHOWN_FOR_MS = 2_000;

export type CopyStatus = "idle" | "copied" | "failed";

export function useCopy(): { status: CopyStatus; copy: (text: string) => void } {
  const [status, setStatus] = useState<CopyStatus>("idle");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);

  useEffect(() => () => clearTimeout(timer.current), []);

  const copy = useCallback((text: string) => {
    const show = (result: CopyStatus) => {
      setStatus(result);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setStatus("idle"), SHOWN_FOR_MS);
    };
    writeToClipboard(text).then(
      () => show("copied"),
      () => show("failed"),
    );
  }, []);

  return { status, copy };
}

/** On an insecure origin browsers offer no clipboard; that is a refusal like any other. */
async function writeToClipboard(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}
