/**
 * Gives a scrolling element the sizes that the test's DOM does not compute, and tells of changes in a browser's order:
 * in each frame first the scroll event, then the resize observers.
 */
import { act } from "@testing-library/react";
import { vi } from "vitest";

const observers = new Map<() => void, Element[]>();

class FrameResizeObserver {
  private readonly callback: () => void;

  constructor(callback: () => void) {
    this.callback = callback;
  }

  observe(element: Element): void {
    observers.set(this.callback, [...(observers.get(this.callback) ?? []), element]);
  }

  disconnect(): void {
    observers.delete(this.callback);
  }
}

/** To be called before the page is rendered; `vi.unstubAllGlobals` takes it back. */
export function observeSizesByFrame(): void {
  observers.clear();
  vi.stubGlobal("ResizeObserver", FrameResizeObserver);
}

export class LaidOutScroller {
  contentPx = 0;
  viewPx: number;
  private top = 0;
  private hasMoved = false;
  private observedPx = { content: 0, view: 0 };
  private readonly element: HTMLElement;

  constructor(element: HTMLElement, viewPx: number) {
    this.element = element;
    this.viewPx = viewPx;
    Object.defineProperties(element, {
      scrollHeight: { get: () => Math.max(this.contentPx, this.viewPx) },
      clientHeight: { get: () => this.viewPx },
      scrollTop: {
        get: () => this.top,
        set: (top: number) => {
          this.moveTo(top);
        },
      },
    });
  }

  get fromTopPx(): number {
    return this.top;
  }

  get fromEndPx(): number {
    return Math.max(this.contentPx, this.viewPx) - this.viewPx - this.top;
  }

  /** The reader turns the wheel; down is positive. */
  scrollBy(px: number): void {
    this.moveTo(this.top + px);
  }

  frame(): void {
    act(() => {
      this.moveTo(this.top);
      if (this.hasMoved) this.element.dispatchEvent(new Event("scroll"));
      this.hasMoved = false;
      const resized = this.resizedElements();
      for (const [callback, observed] of observers) {
        if (observed.some((element) => resized.includes(element))) callback();
      }
    });
  }

  private resizedElements(): Element[] {
    const { content, view } = this.observedPx;
    this.observedPx = { content: this.contentPx, view: this.viewPx };
    const resized = content === this.contentPx ? [] : [...this.element.children];
    return view === this.viewPx ? resized : [...resized, this.element];
  }

  private moveTo(top: number): void {
    const reachable = Math.max(0, Math.min(top, this.contentPx - this.viewPx));
    this.hasMoved ||= reachable !== this.top;
    this.top = reachable;
  }
}
