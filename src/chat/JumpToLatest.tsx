/** Takes a reader who scrolled up back to where the reply is being written. */
import { Icon } from "../ui/Icon.tsx";

export function JumpToLatest({ isShown, onJump }: { isShown: boolean; onJump: () => void }) {
  if (!isShown) return null;
  return (
    <div className="pointer-events-none absolute inset-x-0 bottom-3 flex justify-center">
      <button
        type="button"
        data-testid="jump-to-latest"
        onClick={onJump}
        className="pointer-events-auto flex h-9 items-center gap-1.5 rounded-full border border-border bg-card pr-4 pl-3 text-sm shadow-md hover:bg-muted"
      >
        <Icon name="down" size={16} /> Jump to latest
      </button>
    </div>
  );
}
