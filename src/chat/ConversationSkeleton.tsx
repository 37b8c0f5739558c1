/** Keeps the place of a conversation that is loading, in the shape that it will have. */
export function ConversationSkeleton() {
  return (
    <div className="space-y-7">
      <output className="sr-only">Loading the chat</output>
      <div className="flex justify-end">
        <div className="skeleton h-11 w-56 rounded-2xl rounded-br-md" />
      </div>
      <div className="space-y-2.5 py-1.5">
        <div className="skeleton h-4 w-11/12" />
        <div className="skeleton h-4 w-4/5" />
        <div className="skeleton h-4 w-3/5" />
      </div>
    </div>
  );
}
