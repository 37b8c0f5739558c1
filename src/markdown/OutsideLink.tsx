/** A link in a reply. */
import type { ComponentProps } from "react";

/** What Streamdown gives a link whose address has not been written to its end. */
const UNFINISHED = "streamdown:incomplete-link";

export function OutsideLink({ href, children }: Pick<ComponentProps<"a">, "href" | "children">) {
  if (href === undefined || href === UNFINISHED) return <span className="text-primary">{children}</span>;
  // A footnote's way down and back.
  if (href.startsWith("#")) return <a href={href}>{children}</a>;
  return (
    <a href={href} title={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}
