/** Copies a reply as the markdown it was written in. */
import { IconButton } from "../ui/IconButton.tsx";
import { useCopy } from "./useCopy.ts";

const labels = {
  idle: "Copy reply",
  copied: "Copied",
  failed: "The browser did not allow copying; select the text instead",
} as const;

export function CopyButton({ text }: { text: string }) {
  const { status, copy } = useCopy();
  return (
    <IconButton
      data-testid="copy"
      icon={status === "copied" ? "check" : status === "failed" ? "warning" : "copy"}
      size="medium"
      label={labels[status]}
      className="-ml-2"
      onClick={() => copy(text)}
    />
  );
}
