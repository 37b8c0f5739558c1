/** The page of a chat that was deleted while it was open here. */
import { Link } from "react-router";
import { Icon } from "../ui/Icon.tsx";

export function ChatDeleted() {
  return (
    <div data-testid="chat-deleted" className="m-auto max-w-md px-6 text-center">
      <title>Deleted · Duet</title>
      <h1 className="text-xl font-semibold">This chat was deleted</h1>
      <output className="mt-2 block text-muted-foreground text-pretty">
        It was deleted in another tab or on another device. If that is undone there, it is here again.
      </output>
      <Link
        to="/"
        className="mt-6 inline-flex h-10 items-center gap-2 rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88"
      >
        <Icon name="plus" /> Start a new chat
      </Link>
    </div>
  );
}
