/** Keeps a scrolling conversation at its end while the reader is there, and leaves a reader who scrolled up alone. */
import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** So near to the end counts as being there: a line of text, and the rounding of zoomed pages. */
const NEAR_END_PX = 48;

export interface BottomFollower {
  scrollerRef: RefObject<HTMLDivElement | null>;
  contentRef: RefObject<HTMLDivElement | null>;
  status: "following" | "away";
  /** Goes to the end and follows it again. */
  jumpToEnd: () => void;
}

export function useStickToBottom(): BottomFollower {
  const scrollerRef = useRef<HTMLDivElement>(null);
  const contentRef = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [status, setStatus] = useState<BottomFollower["status"]>("following");

  const jumpToEnd = useCallback(() => {
    following.current = true;
    setStatus("following");
    const scroller = scrollerRef.current;
    if (scroller !== null) scroller.scrollTop = scroller.scrollHeight;
  }, []);

  useEffect(() => {
    const scroller = scrollerRef.current;
    const content = contentRef.current;
    if (scroller === null || content === null) return;
    let lastTop = scroller.scrollTop;

    const onScroll = () => {
      const distance = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
      // Only a move upwards is the reader's: growth changes the distance without one, and our own moves go down.
      if (distance <= NEAR_END_PX) following.current = true;
      else if (scroller.scrollTop < lastTop) following.current = false;
      lastTop = scroller.scrollTop;
      setStatus(following.current ? "following" : "away");
    };
    const follow = () => {
      if (following.current) scroller.scrollTop = scroller.scrollHeight;
      lastTop = scroller.scrollTop;
    };
    const observer = new ResizeObserver(follow);
    observer.observe(content);
    observer.observe(scroller);
    scroller.addEventListener("scroll", onScroll, { passive: true });
    follow();
    return () => {
      observer.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    };
  }, []);

  return { scrollerRef, contentRef, status, jumpToEnd };
}
