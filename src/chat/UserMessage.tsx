/** One turn of the person. */
import { useQuery } from "convex/react";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.js";

interface UserMessageProps {
  messageId: Id<"messages"> | null;
  /** The text where this tab wrote it; otherwise it is read. */
  ownText: string | null;
}

export function UserMessage({ messageId, ownText }: UserMessageProps) {
  const read = useQuery(
    api.messages.getText,
    ownText === null && messageId !== null ? { messageId } : "skip",
  );
  const text = ownText ?? read?.text;
  return (
    <article data-testid="message" data-role="user" aria-label="You" className="flex justify-end">
      <div className="max-w-[85%] rounded-2xl rounded-br-md bg-bubble px-4 py-2.5 sm:max-w-[75%]">
        {text === undefined ? (
          <div className="skeleton h-5 w-40" />
        ) : (
          <p data-testid="message-text" dir="auto" className="wrap-anywhere whitespace-pre-wrap">
            {text}
          </p>
        )}
      </div>
    </article>
  );
}
