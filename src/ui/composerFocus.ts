/** Gives the keyboard back to the composer, after the control that had it is gone. */

/** The composer's text field; one page shows one. */
export const COMPOSER_ID = "composer";

/** On a phone the keyboard would jump up over the page; there the person taps when ready. */
export function focusComposer(): void {
  if (!matchMedia("(pointer: fine)").matches) return;
  document.getElementById(COMPOSER_ID)?.focus({ preventScroll: true });
}
