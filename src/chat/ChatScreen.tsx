/** Finds out from the address which chat to show, and keeps the page when a new chat gets its address. */
import { useLocation, useParams } from "react-router";
import { ChatPage } from "./ChatPage.tsx";
import { readHandedOver } from "./handedOver.ts";

export function ChatScreen() {
  const { chatId = null } = useParams();
  const location = useLocation();
  const handedOver = readHandedOver(location.state);
  // The page that started a chat hands its key on, so that React keeps every element of it.
  const pageKey = handedOver?.pageKey ?? chatId ?? location.key;
  return <ChatPage key={pageKey} pageKey={pageKey} chatId={chatId} />;
}
