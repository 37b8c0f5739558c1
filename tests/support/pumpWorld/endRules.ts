/** What must be true of a scenario once its pump has ended; each answer names the rules that are broken. */
import { wholeText } from "./pumpWorld.ts";
import type { Outcome, Scenario } from "./pumpWorld.ts";

type Rules = Record<string, boolean>;

export function brokenAtEnd(made: Scenario, outcome: Outcome): string[] {
  const rules = { ...endRules(made, outcome), ...paceRules(outcome), ...bodyRules(outcome) };
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [rule]));
}

function endRules(made: Scenario, { result, db, model, events }: Outcome): Rules {
  const isLost = db.status === "running" || db.status === "taken";
  const taken = wholeText(made.persistedText, model.taken.text);
  const sentLength = events.reduce(
    (length, event) => length + (event.kind === "text" ? event.text.length : 0),
    made.persistedText.length,
  );
  // A stretch of which a part was sent was received whole.
  const received = sentLength > taken.length ? wholeText(made.persistedText, model.said.text) : taken;
  // The last half of a character is left to the one that a run is handed on to.
  const isLate = db.status === "handedOn" || (db.status === "stopped" && made.actionAgeMs > 0);
  const certain = isLate && received.endsWith("\ufffd") ? received.slice(0, -1) : received;
  return {
    "the pump ends": result !== "never",
    "the model is aborted": model.signals.every((signal) => signal.aborted),
    "a run that is not ended is a rejection": !isLost || result instanceof Error,
    "all that was received is persisted": isLost || db.text.length >= certain.length,
    "the end stores what is persisted": db.endText === null || db.endText === db.text,
  };
}

function paceRules({ flushes, thoughtFlushes }: Outcome): Rules {
  const since = (starts: { at: number }[], back: number) =>
    starts.slice(back).map((start, index) => start.at - (starts[index]?.at ?? 0));
  return {
    "at most ten flushes a second": since(flushes, 1).every((ms) => ms >= 100),
    "at most one flush of reasoning a second": since(thoughtFlushes, 1).every((ms) => ms >= 1_000),
  };
}

/** A body is read as it was sent, and ends in order only with the run. */
function bodyRules({ events, driver, db }: Outcome): Rules {
  const isPlain = !driver.body.startsWith("event:");
  if (isPlain) {
    const isWhole = (db.status === "complete" || db.status === "stopped") && driver.body === db.text;
    return { "a plain body that ends in order is the whole reply": driver.end !== "closed" || isWhole };
  }
  const sent = events.map((event) => JSON.stringify(event));
  const read = [...driver.body.matchAll(/^data: (.*)$/gm)].map(([, data]) => data);
  return { "events are read as they were sent": read.every((data, index) => data === sent[index]) };
}
