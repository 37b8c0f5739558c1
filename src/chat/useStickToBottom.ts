/** Keeps a scrolling conversation at its end while the reader is there, and leaves a reader who scrolled up alone. */
import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** A reader who comes down this near to the end means the end. */
const NEAR_END_PX = 48;
/** Zoomed pages round, so the end itself is this wide. */
const AT_END_PX = 2;

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
      const movedPx = scroller.scrollTop - lastTop;
      // Growth changes the distance without a move, and our own moves end at the end. So a move upwards that does not is
      // the reader's, however short: a slow one would otherwise be taken back by each new line.
      if (distance <= AT_END_PX || (movedPx > 0 && distance <= NEAR_END_PX)) following.current = true;
      else if (movedPx < 0) following.current = false;
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
