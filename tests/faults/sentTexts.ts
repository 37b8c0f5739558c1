/**
 * What a reply may be, worked out anew from what the model was asked and what it sent: nothing of the product is used,
 * so that a fault of the product's own cannot excuse itself.
 */
import type { ModelRequestEvidence } from "./evidence.ts";

/** A repetition that is shorter occurs by chance and stays; longer ones than the longest are not looked for. */
const minRepeated = 20;
const maxRepeated = 200;

/** The persisted text from which a request asks the model to go on; "" for the first attempt. */
export function persistedBefore({ isContinuation, messages }: ModelRequestEvidence): string {
  return isContinuation ? (messages.at(-2)?.text ?? "") : "";
}

/** The reply as it is after all that this request sent; more than one where a repetition may as well be meant. */
export function textsAfter(request: ModelRequestEvidence): string[] {
  const before = persistedBefore(request);
  const sent = request.sentText.toWellFormed();
  const whole = before + sent;
  for (let length = Math.min(maxRepeated, before.length, sent.length); length >= minRepeated; length--) {
    const repeated = sent.slice(0, length);
    if (!before.endsWith(repeated)) continue;
    const without = before + sent.slice(length);
    return isAmbiguous(before, repeated) ? [without, whole] : [without];
  }
  return [whole];
}

/** A repetition that stood there before, or consists of repetitions, may be the text itself. */
function isAmbiguous(before: string, repeated: string): boolean {
  if (before.indexOf(repeated) < before.length - repeated.length) return true;
  for (let period = 1; period <= repeated.length / 2; period++) {
    if (repeated.startsWith(repeated.slice(period))) return true;
  }
  return false;
}

/**
 * Whether a text is what had come of another one when it broke off. Where that was in the middle of a pair, half of which
 * had come, a replacement stands for it.
 */
export function isBeginningOf(sent: string, text: string): boolean {
  if (sent.startsWith(text)) return true;
  const end = text.length - 1;
  const isHigh = /^[\ud800-\udbff]$/.test(sent.charAt(end));
  return text.endsWith("\ufffd") && isHigh && sent.startsWith(text.slice(0, end));
}

/** Every text that was ever the right one to show, in part or whole. */
export function rightTexts(requests: readonly ModelRequestEvidence[]): string[] {
  return requests.flatMap(textsAfter);
}

/** Whether what an attempt went on from had been sent before it, attempt by attempt, `base` being there from the start. */
export function isFoundedOnWhatWasSent(
  request: ModelRequestEvidence,
  requests: readonly ModelRequestEvidence[],
  base: string,
): boolean {
  const before = persistedBefore(request);
  if (before === base) return true;
  return requests.some(
    (earlier) =>
      earlier !== request &&
      earlier.startedAtMs <= request.startedAtMs &&
      persistedBefore(earlier).length <= before.length &&
      textsAfter(earlier).some((text) => isBeginningOf(text, before)) &&
      isFoundedOnWhatWasSent(
        earlier,
        requests.filter((other) => other !== request),
        base,
      ),
  );
}
