/** Keeps the place of a conversation that is loading, in the shape that it will have. */
import { ReplySkeleton } from "./ReplySkeleton.tsx";

export function ConversationSkeleton() {
  return (
    <div className="space-y-7">
      <output className="sr-only">Loading the chat</output>
      <div className="flex justify-end">
        <div className="skeleton h-11 w-56 rounded-2xl rounded-br-md" />
      </div>
      <ReplySkeleton />
    </div>
  );
}
