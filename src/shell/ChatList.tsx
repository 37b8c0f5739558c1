/** The person's chats, newest activity first, and the way to delete one. */
import { ChatListItem } from "./ChatListItem.tsx";
import { groupByDay } from "./chatGroups.ts";
import { useChatList } from "./useChatList.ts";
import { useDeleteChat } from "./useDeleteChat.ts";
import { useToday } from "./useToday.ts";

export function ChatList({ onNavigate }: { onNavigate: () => void }) {
  const list = useChatList();
  const today = useToday();
  const deleteChat = useDeleteChat();

  return (
    <div data-testid="chat-list" className="min-h-0 flex-1 overflow-y-auto px-2 pb-4">
      {list.status === "loading" && (
        <div className="space-y-2 px-2 pt-7">
          <output className="sr-only">Loading your chats</output>
          <div className="skeleton h-5 w-4/5" />
          <div className="skeleton h-5 w-3/5" />
          <div className="skeleton h-5 w-2/3" />
        </div>
      )}
      {list.status === "empty" && (
        <p className="px-3 pt-6 text-sm text-muted-foreground text-pretty">Your chats will be listed here.</p>
      )}
      {list.status === "ready" &&
        groupByDay(list.chats, today).map((group) => (
          <section key={group.heading} aria-label={group.heading}>
            <h2 className="px-2.5 pt-5 pb-1 text-xs font-medium text-muted-foreground">{group.heading}</h2>
            <ul>
              {group.chats.map((chat) => (
                <li key={chat._id}>
                  <ChatListItem chat={chat} onOpen={onNavigate} onDelete={deleteChat} />
                </li>
              ))}
            </ul>
          </section>
        ))}
    </div>
  );
}
