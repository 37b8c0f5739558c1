/** The way on from a page that has no chat to show. */
import { Link } from "react-router";
import { Icon } from "../ui/Icon.tsx";

export function StartNewChatLink() {
  return (
    <Link
      to="/"
      className="mt-6 inline-flex h-10 items-center gap-2 rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88"
    >
      <Icon name="plus" /> Start a new chat
    </Link>
  );
}
