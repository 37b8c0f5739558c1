/**
 * Stands in for an image in a reply. Fetching it would tell its host what the person reads, and let a model leak the
 * conversation in the address; so the person decides by following the link.
 */
import type { ComponentProps } from "react";
import { Icon } from "../ui/Icon.tsx";

/** What Streamdown gives an image that has not been written to its end; its description may still come. */
const UNFINISHED = "streamdown:incomplete-image";

export function ImagePlaceholder({ src, alt }: Pick<ComponentProps<"img">, "src" | "alt">) {
  const label = alt || (src === UNFINISHED ? "" : "Image");
  const isLink = typeof src === "string" && /^https?:\/\//.test(src);
  return (
    <span className="inline-flex max-w-full items-center gap-2 rounded-lg border border-border bg-muted px-2.5 py-1 text-sm text-muted-foreground">
      <Icon name="image" size={16} />
      {isLink ? (
        <a href={src} target="_blank" rel="noopener noreferrer" className="truncate underline" title={src}>
          {label}
        </a>
      ) : (
        <span className="truncate">{label}</span>
      )}
    </span>
  );
}
