/** Above a conversation of which only the newest messages are shown: says so, and brings the others. */
import type { EarlierMessages } from "./useConversation.ts";

export function LoadEarlier({ earlier }: { earlier: EarlierMessages }) {
  if (earlier.status === "none") return null;
  const isLoading = earlier.status === "loading";
  const onClick = (event: { currentTarget: Element }) => {
    if (earlier.status !== "some") return;
    // At the very top a browser keeps the top in view, and the reader would lose their place to what comes above it.
    event.currentTarget.closest(".scroller")?.scrollBy(0, 1);
    earlier.load();
  };
  return (
    <p className="load-earlier pb-7 text-center text-sm text-muted-foreground">
      Only the newest messages are shown.{" "}
      <button
        type="button"
        data-testid="load-earlier"
        aria-disabled={isLoading}
        onClick={onClick}
        className="font-medium text-primary underline"
      >
        {isLoading ? "Loading…" : "Load earlier ones"}
      </button>
    </p>
  );
}
