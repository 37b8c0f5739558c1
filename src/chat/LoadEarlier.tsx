/** Above a conversation of which only the newest messages are shown: says so, and brings the others. */
import type { EarlierMessages } from "./useConversation.ts";

const placeClass = "load-earlier pb-7 text-center text-sm text-muted-foreground text-balance";

export function LoadEarlier({ earlier }: { earlier: EarlierMessages }) {
  if (earlier.status === "none") return null;
  if (earlier.status === "tooMany") {
    return (
      <p data-testid="earlier-not-shown" className={placeClass}>
        Only the newest {earlier.shown.toLocaleString("en")} messages are shown. The earlier ones are kept,
        but a page holds no more.
      </p>
    );
  }
  const isLoading = earlier.status === "loading";
  const onClick = (event: { currentTarget: Element }) => {
    if (earlier.status !== "some") return;
    // At the very top a browser keeps the top in view, and the reader would lose their place to what comes above it.
    event.currentTarget.closest(".scroller")?.scrollBy(0, 1);
    earlier.load();
  };
  return (
    <p className={placeClass}>
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
