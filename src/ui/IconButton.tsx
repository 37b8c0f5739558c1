/** A button that is an icon; its name is for those who do not see the icon and for the tooltip. */
import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon.tsx";

const sizes = {
  tiny: { box: "size-6", icon: 14 },
  small: { box: "size-7", icon: 15 },
  /** As large as a finger where there is no mouse. */
  medium: { box: "size-8 pointer-coarse:size-11", icon: 16 },
  large: { box: "size-9", icon: 18 },
} as const;

type IconButtonProps = Omit<ComponentProps<"button">, "children"> & {
  icon: IconName;
  label: string;
  size?: keyof typeof sizes;
};

/** `className` places the button; what it looks like is decided here. */
export function IconButton({ icon, label, size = "large", className = "", ...button }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex ${sizes[size].box} shrink-0 items-center justify-center rounded-lg text-muted-foreground transition-colors hover:bg-muted hover:text-foreground ${className}`}
      {...button}
    >
      <Icon name={icon} size={sizes[size].icon} />
    </button>
  );
}
