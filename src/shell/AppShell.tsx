/** The frame around every page: the chats on the left, the page on the right, notices on top. */
import { useCallback, useState } from "react";
import { Outlet } from "react-router";
import { ConnectionNotice } from "./ConnectionNotice.tsx";
import { DeletionToasts } from "./DeletionToasts.tsx";
import { PageErrorBoundary } from "./PageErrorBoundary.tsx";
import { PhoneHeader } from "./PhoneHeader.tsx";
import { Sidebar } from "./Sidebar.tsx";
import { useMediaQuery } from "./useMediaQuery.ts";

export function AppShell() {
  const isWide = useMediaQuery("(min-width: 48rem)");
  const [isDrawerOpen, setIsDrawerOpen] = useState(false);
  const openDrawer = useCallback(() => setIsDrawerOpen(true), []);
  const closeDrawer = useCallback(() => setIsDrawerOpen(false), []);
  const mode = isWide ? "column" : isDrawerOpen ? "drawerOpen" : "drawerClosed";

  return (
    <div className="flex h-dvh overflow-hidden">
      <a href="#page" className="skip-link">
        Skip to the chat
      </a>
      <Sidebar mode={mode} onClose={closeDrawer} />
      <DeletionToasts />
      <main
        id="page"
        tabIndex={-1}
        inert={mode === "drawerOpen"}
        className="relative flex min-w-0 flex-1 flex-col outline-none"
      >
        {!isWide && <PhoneHeader onOpenChats={openDrawer} />}
        <ConnectionNotice />
        <PageErrorBoundary>
          <Outlet />
        </PageErrorBoundary>
      </main>
    </div>
  );
}
