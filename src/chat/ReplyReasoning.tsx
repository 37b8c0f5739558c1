/** The disclosure above a reply's text behind which its model's thoughts are; closed, it costs nobody anything. */
import { useId, useState } from "react";
import type { LiveReasoning } from "../streaming/mergeReasoning.ts";
import { Icon } from "../ui/Icon.tsx";
import { useReasoning } from "./useReasoning.ts";

interface ReplyReasoningProps {
  streamId: string;
  isThinking: boolean;
  isDriver: boolean;
  live: LiveReasoning | null;
}

export function ReplyReasoning({ streamId, isThinking, isDriver, live }: ReplyReasoningProps) {
  const [isOpen, setOpen] = useState(false);
  const panelId = useId();
  const { status, thoughts, isTruncated } = useReasoning(streamId, { isOpen, isDriver, live });
  return (
    <div className="mb-2 text-sm text-muted-foreground" data-testid="reasoning">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-controls={panelId}
        onClick={() => setOpen(!isOpen)}
        className="-mx-1.5 flex min-h-8 items-center gap-1.5 rounded-md px-1.5 hover:text-foreground"
      >
        <span className={isOpen ? "" : "-rotate-90"}>
          <Icon name="chevron" size={16} />
        </span>
        {isThinking ? "Thinking…" : "Thinking"}
      </button>
      <section
        id={panelId}
        hidden={!isOpen}
        aria-label="What the model thought"
        aria-busy={isThinking}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- What scrolls must be reachable by keyboard.
        tabIndex={0}
        className="mt-1 max-h-80 overflow-y-auto border-l-2 border-border pl-3"
      >
        {status === "loading" && <p>Loading…</p>}
        {thoughts.map(({ place, text }) => (
          <p key={place} dir="auto" className="mb-2 wrap-anywhere whitespace-pre-wrap">
            {text}
          </p>
        ))}
        {isTruncated && <p>The thoughts go on; only their beginning is shown.</p>}
      </section>
    </div>
  );
}
