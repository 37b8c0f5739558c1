/**
 * Keeps a scrolling element at the end of its content while the reader is there, and leaves a reader who scrolled up
 * alone, to the pixel: what they read stays where it is, whatever grows above or below it. Without React.
 */

/** A reader who comes down this near to the end means the end. */
const NEAR_END_PX = 48;
/** Zoomed pages round, so the end itself is this wide. */
const AT_END_PX = 2;

export interface EndFollower {
  /** Goes to the end and follows it again. */
  jumpToEnd: () => void;
  stop: () => void;
}

/** `onChange` is told whether the end is followed, each time that it may have changed. */
export function followEnd(
  scroller: HTMLElement,
  content: Element,
  onChange: (isFollowing: boolean) => void,
): EndFollower {
  let isFollowing = true;
  let lastTop = scroller.scrollTop;
  let lastViewPx = scroller.clientHeight;

  const setFollowing = (value: boolean) => {
    isFollowing = value;
    // The browser keeps what a reader sees in its place. At the end that is our work, and its moves would look like the
    // reader's: without it, whatever changes there ends at the end.
    scroller.style.overflowAnchor = value ? "none" : "auto";
    onChange(value);
  };

  const goToEnd = () => {
    if (isFollowing) scroller.scrollTop = scroller.scrollHeight;
    lastTop = scroller.scrollTop;
    lastViewPx = scroller.clientHeight;
  };
  const onScroll = () => {
    const distance = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    const movedPx = scroller.scrollTop - lastTop;
    // A view that becomes higher at the end of its content is moved up by the browser: a notice went, a draft was sent.
    // What has grown in the same moment lies below it then, and nobody has scrolled away from it.
    const isMovedByView = movedPx < 0 && -movedPx <= scroller.clientHeight - lastViewPx;
    if (isFollowing && isMovedByView) return goToEnd();
    // Growth changes the distance without a move, and our own moves end at the end. So a move upwards that does not is
    // the reader's, however short: a slow one would otherwise be taken back by each new line.
    if (distance <= AT_END_PX || (movedPx > 0 && distance <= NEAR_END_PX)) setFollowing(true);
    else if (movedPx < 0) setFollowing(false);
    lastTop = scroller.scrollTop;
    lastViewPx = scroller.clientHeight;
  };

  const observer = new ResizeObserver(goToEnd);
  observer.observe(content);
  observer.observe(scroller);
  scroller.addEventListener("scroll", onScroll, { passive: true });
  setFollowing(true);
  goToEnd();
  return {
    jumpToEnd() {
      setFollowing(true);
      goToEnd();
    },
    stop() {
      observer.disconnect();
      scroller.removeEventListener("scroll", onScroll);
    },
  };
}
