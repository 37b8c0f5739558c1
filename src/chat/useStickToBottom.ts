/** Whether a conversation is followed at its end, for the element whose one child is the conversation. */
import { useCallback, useRef, useState, type RefCallback } from "react";
import { followEnd, type EndFollower } from "./followEnd.ts";

export interface BottomFollower {
  /** A callback, so that a conversation that comes back to its page is followed anew. */
  scrollerRef: RefCallback<HTMLDivElement>;
  status: "following" | "away";
  /** Goes to the end and follows it again. */
  jumpToEnd: () => void;
}

export function useStickToBottom(): BottomFollower {
  const follower = useRef<EndFollower | null>(null);
  const [status, setStatus] = useState<BottomFollower["status"]>("following");

  const scrollerRef = useCallback((scroller: HTMLDivElement | null) => {
    const content = scroller?.firstElementChild;
    if (!scroller || !content) return;
    const follow = followEnd(scroller, content, (isFollowing) => {
      setStatus(isFollowing ? "following" : "away");
    });
    follower.current = follow;
    return () => {
      follow.stop();
      follower.current = null;
      setStatus("following");
    };
  }, []);
  const jumpToEnd = useCallback(() => follower.current?.jumpToEnd(), []);

  return { scrollerRef, status, jumpToEnd };
}
