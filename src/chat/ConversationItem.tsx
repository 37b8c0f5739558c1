/** The place of one turn in the list. A turn far from the view is made later; until then its place is kept. */
import { memo, startTransition, useEffect, useRef, useState } from "react";
import type { ConversationRow } from "./conversationRows.ts";
import { MessageRow } from "./MessageRow.tsx";
import { rowMounting } from "./rowMounting.ts";
import type { VersionControl } from "./useVersions.ts";

interface ConversationItemProps {
  row: ConversationRow;
  control: VersionControl | null;
  /** Among the newest: made at once. */
  isRecent: boolean;
}

export const ConversationItem = memo(function ConversationItem({
  row,
  control,
  isRecent,
}: ConversationItemProps) {
  const [isMade, setIsMade] = useState(isRecent);
  const place = useRef<HTMLLIElement>(null);

  useEffect(() => {
    if (isMade || place.current === null) return;
    return rowMounting.await(place.current, (isSeen) => {
      // What nobody sees yet is made in slices between which the page takes keys and shows words that arrive.
      if (isSeen) setIsMade(true);
      else startTransition(() => setIsMade(true));
    });
  }, [isMade]);

  return (
    <li ref={place} className="conversation-row" data-made={isMade}>
      {isMade && <MessageRow row={row} control={control} />}
    </li>
  );
}, isSameRow);

/** Each change of one message's status lists all of them anew; those that say the same are not rendered again. */
function isSameRow(before: ConversationItemProps, after: ConversationItemProps): boolean {
  if (before.control !== after.control) return false;
  return before.row === after.row || JSON.stringify(before.row) === JSON.stringify(after.row);
}
