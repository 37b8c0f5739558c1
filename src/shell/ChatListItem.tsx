/** One chat in the sidebar. */
import type { MouseEvent } from "react";
import { NavLink } from "react-router";
import { IconButton } from "../ui/IconButton.tsx";
import type { ListedChat } from "./useChatList.ts";

interface ChatListItemProps {
  chat: ListedChat;
  onOpen: () => void;
  onDelete: (chat: ListedChat, event: MouseEvent<HTMLElement>) => void;
}

export function ChatListItem({ chat, onOpen, onDelete }: ChatListItemProps) {
  const isReplying = chat.status === "replying";
  return (
    <div data-testid="chat-item" className="group/item relative">
      <NavLink
        to={`/c/${chat._id}`}
        onClick={onOpen}
        className="flex h-9 items-center gap-2 rounded-lg pr-2.5 pl-2.5 text-sm transition-colors group-focus-within/item:pr-9 group-hover/item:pr-9 hover:bg-muted pointer-coarse:pr-9 aria-[current=page]:bg-muted aria-[current=page]:font-medium"
      >
        <span dir="auto" className="min-w-0 flex-1 truncate">
          {chat.title}
        </span>
        {isReplying && (
          <span className="live-dot">
            <span className="sr-only">A reply is being written</span>
          </span>
        )}
      </NavLink>
      <IconButton
        icon="trash"
        size="small"
        label={`Delete “${chat.title}”`}
        data-testid="delete-chat"
        onClick={(event) => onDelete(chat, event)}
        className="absolute top-1 right-1 opacity-0 group-hover/item:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-70"
      />
    </div>
  );
}
