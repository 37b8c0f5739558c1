/** Goes through the versions of one message: "‹ 2 / 3 ›". */
import { useId, useLayoutEffect, useRef } from "react";
import { IconButton } from "../ui/IconButton.tsx";
import type { Versions } from "./conversationRows.ts";

interface VersionSwitcherProps {
  /** What there are versions of. */
  of: "message" | "reply";
  versions: Versions;
  onShow: (id: string) => void;
}

type Direction = "previous" | "next";

/**
 * The button that was pressed goes with its version. The same one of the version that comes takes the keyboard over, and
 * its place on the screen, so that it can be pressed again.
 */
let pressed: { place: string; direction: Direction; topPx: number } | null = null;

export function VersionSwitcher({ of, versions, onShow }: VersionSwitcherProps) {
  const countId = useId();
  const group = useRef<HTMLFieldSetElement>(null);
  const { place, ids, index } = versions;

  useLayoutEffect(() => {
    if (pressed?.place !== place) return;
    const button = group.current?.querySelector<HTMLElement>(`[data-testid="${pressed.direction}-version"]`);
    const scroller = button?.closest(".scroller");
    button?.focus({ preventScroll: true });
    if (button && scroller) scroller.scrollTop += button.getBoundingClientRect().top - pressed.topPx;
    pressed = null;
  }, [place]);

  if (ids.length < 2) return null;
  const button = (direction: Direction) => {
    const id = ids[direction === "previous" ? index - 1 : index + 1];
    return (
      <IconButton
        data-testid={`${direction}-version`}
        icon={direction === "previous" ? "previous" : "next"}
        size="medium"
        label={direction === "previous" ? "Previous version" : "Next version"}
        aria-describedby={countId}
        // Not `disabled`, which would take the keyboard away at the last version.
        aria-disabled={id === undefined}
        className="aria-disabled:cursor-default aria-disabled:opacity-35"
        onClick={({ currentTarget }) => {
          if (id === undefined) return;
          pressed = { place, direction, topPx: currentTarget.getBoundingClientRect().top };
          onShow(id);
        }}
      />
    );
  };
  return (
    <fieldset ref={group} aria-label={`Versions of this ${of}`} className="flex items-center">
      {button("previous")}
      <span
        id={countId}
        data-testid="version"
        className="min-w-8 text-center text-sm tabular-nums text-muted-foreground"
      >
        <span className="sr-only">Version </span>
        {index + 1} <span aria-hidden="true">/</span>
        <span className="sr-only">of</span> {ids.length}
      </span>
      {button("next")}
    </fieldset>
  );
}
