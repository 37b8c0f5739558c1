/** A small button with an icon and a word, for what can be done with the thing it stands at. */
import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon.tsx";

type TextButtonProps = Omit<ComponentProps<"button">, "className"> & { icon: IconName };

export function TextButton({ icon, children, ...button }: TextButtonProps) {
  return (
    <button
      type="button"
      className="inline-flex h-8 shrink-0 items-center gap-1.5 rounded-lg border border-border bg-card px-3 text-sm font-medium text-foreground transition-colors hover:bg-muted pointer-coarse:h-11 pointer-coarse:px-4"
      {...button}
    >
      <Icon name={icon} size={15} />
      {children}
    </button>
  );
}
