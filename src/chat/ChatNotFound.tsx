/** The page of an address that names no chat. */
import { Link } from "react-router";
import { Icon } from "../ui/Icon.tsx";

export function ChatNotFound() {
  return (
    <div className="m-auto max-w-md px-6 text-center">
      <title>No such chat · Duet</title>
      <h1 className="text-xl font-semibold">No such chat</h1>
      <p className="mt-2 text-muted-foreground text-pretty">
        It may have been deleted, or the address has a typing error. Your other chats are in the list.
      </p>
      <Link
        to="/"
        className="mt-6 inline-flex h-10 items-center gap-2 rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88"
      >
        <Icon name="plus" /> Start a new chat
      </Link>
    </div>
  );
}
