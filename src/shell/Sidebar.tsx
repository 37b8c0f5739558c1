/** The list of chats: a column beside the chat, or a drawer over it where the screen is narrow. */
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { Icon } from "../ui/Icon.tsx";
import { IconButton } from "../ui/IconButton.tsx";
import { Logo } from "../ui/Logo.tsx";
import { ChatList } from "./ChatList.tsx";
import { ThemeChoice } from "./ThemeChoice.tsx";

interface SidebarProps {
  mode: "column" | "drawerOpen" | "drawerClosed";
  onClose: () => void;
}

export function Sidebar({ mode, onClose }: SidebarProps) {
  const drawer = useRef<HTMLElement>(null);

  useEffect(() => {
    if (mode !== "drawerOpen") return;
    const openedFrom = document.activeElement;
    drawer.current?.focus();
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => {
      document.removeEventListener("keydown", onKeyDown);
      if (openedFrom instanceof HTMLElement) openedFrom.focus();
    };
  }, [mode, onClose]);

  return (
    <>
      {mode === "drawerOpen" && (
        <div aria-hidden="true" onClick={onClose} className="fixed inset-0 z-30 bg-black/40" />
      )}
      <nav
        ref={drawer}
        aria-label="Chats"
        tabIndex={-1}
        inert={mode === "drawerClosed"}
        data-mode={mode}
        className="sidebar"
      >
        <div className="flex h-14 shrink-0 items-center gap-2.5 pr-2 pl-4">
          <Logo size={24} />
          <span className="text-[1.0625rem] font-semibold tracking-tight">Duet</span>
          {mode !== "column" && (
            <IconButton icon="close" label="Close the list" className="ml-auto" onClick={onClose} />
          )}
        </div>
        <div className="px-2 pt-1">
          <Link
            to="/"
            data-testid="new-chat"
            onClick={onClose}
            className="flex h-9 items-center gap-2.5 rounded-lg border border-border bg-card px-2.5 text-sm font-medium transition-colors hover:bg-muted"
          >
            <Icon name="plus" size={16} /> New chat
          </Link>
        </div>
        <ChatList onNavigate={onClose} />
        <div className="flex shrink-0 items-center justify-between border-t border-border px-3 py-2.5">
          <ThemeChoice />
        </div>
      </nav>
    </>
  );
}
