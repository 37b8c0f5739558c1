/** The page of a chat that was deleted while it was open here. */
import { StartNewChatLink } from "./StartNewChatLink.tsx";

export function ChatDeleted() {
  return (
    <div data-testid="chat-deleted" className="m-auto max-w-md px-6 text-center">
      <title>Deleted · Duet</title>
      <h1 className="text-xl font-semibold">This chat was deleted</h1>
      <output className="mt-2 block text-muted-foreground text-pretty">
        It was deleted in another tab or on another device. If that is undone there, it is here again.
      </output>
      <StartNewChatLink />
    </div>
  );
}
