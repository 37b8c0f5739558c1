/** Keeps the place of a reply whose text is not there yet. */
export function ReplySkeleton() {
  return (
    <div className="space-y-2.5 py-1.5">
      <div className="skeleton h-4 w-11/12" />
      <div className="skeleton h-4 w-4/5" />
      <div className="skeleton h-4 w-3/5" />
    </div>
  );
}
