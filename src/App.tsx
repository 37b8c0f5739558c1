/** The pages and their addresses. */
import { BrowserRouter, Route, Routes } from "react-router";
import { ChatScreen } from "./chat/ChatScreen.tsx";
import { AppShell } from "./shell/AppShell.tsx";
import { PageNotFound } from "./shell/PageNotFound.tsx";

export function App() {
  return (
    // A page that is left in a transition goes on showing what comes from the server: of a chat that is deleted here it
    // would say that it was deleted elsewhere.
    <BrowserRouter useTransitions={false}>
      <Routes>
        <Route element={<AppShell />}>
          <Route index element={<ChatScreen />} />
          <Route path="c/:chatId" element={<ChatScreen />} />
          <Route path="*" element={<PageNotFound />} />
        </Route>
      </Routes>
    </BrowserRouter>
  );
}
