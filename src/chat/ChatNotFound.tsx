/** The page of an address that names no chat. */
import { StartNewChatLink } from "./StartNewChatLink.tsx";

export function ChatNotFound() {
  return (
    <div className="m-auto max-w-md px-6 text-center">
      <title>No such chat · Duet</title>
      <h1 className="text-xl font-semibold">No such chat</h1>
      <p className="mt-2 text-muted-foreground text-pretty">
        It may have been deleted, or the address has a typing error. Your other chats are in the list.
      </p>
      <StartNewChatLink />
    </div>
  );
}
