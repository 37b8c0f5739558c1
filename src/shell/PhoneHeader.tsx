/** The bar on top of a narrow screen: the way to the chats, the name of this one, and a new one. */
import { useQuery } from "convex/react";
import { Link, useMatch } from "react-router";
import { api } from "../../convex/_generated/api.js";
import { Icon } from "../ui/Icon.tsx";
import { IconButton } from "../ui/IconButton.tsx";

export function PhoneHeader({ onOpenChats }: { onOpenChats: () => void }) {
  const chatId = useMatch("/c/:chatId")?.params.chatId;
  const chat = useQuery(api.chats.getChat, chatId === undefined ? "skip" : { chatId });
  return (
    <header className="flex h-14 shrink-0 items-center justify-between gap-2 border-b border-border px-2">
      <IconButton icon="menu" label="Chats" data-testid="open-drawer" onClick={onOpenChats} />
      <span dir="auto" className="min-w-0 truncate text-[0.9375rem] font-medium">
        {chat?.title ?? (chatId === undefined ? "Duet" : "")}
      </span>
      <Link
        to="/"
        aria-label="New chat"
        title="New chat"
        className="inline-flex size-9 shrink-0 items-center justify-center rounded-lg text-muted-foreground hover:bg-muted hover:text-foreground"
      >
        <Icon name="plus" />
      </Link>
    </header>
  );
}
