/** Above the composer: that its text waits for the reply to end, and the way to take that back. */
import { TextButton } from "../ui/TextButton.tsx";

interface HeldBackNoticeProps {
  isShown: boolean;
  onTakeBack: () => void;
}

export function HeldBackNotice({ isShown, onTakeBack }: HeldBackNoticeProps) {
  return (
    <div className={`flex items-center gap-2 pl-3.5 text-sm text-muted-foreground ${isShown ? "mb-2" : ""}`}>
      {/* Empty, it is there to be heard when it fills. */}
      <output data-testid="held-back" className="min-w-0 flex-1">
        {isShown && "Will be sent when the reply has ended."}
      </output>
      {isShown && (
        <TextButton icon="close" onClick={onTakeBack}>
          Don’t send
        </TextButton>
      )}
    </div>
  );
}
