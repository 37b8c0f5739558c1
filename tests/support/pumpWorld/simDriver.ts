/** The reader of a body on the simulated clock: quick, slow, stuck or gone. */
import { BodySink, plainTextFormat, sseFormat } from "../../../convex/streaming/bodySink.ts";
import type { SimClock } from "./simClock.ts";

export interface DriverHabits {
  kind: "reads" | "neverReads" | "cancels" | "absent";
  format: "sse" | "plain";
  /** Between two reads; before a cancellation. */
  pauseMs: number;
}

export interface SimDriver {
  sink: BodySink;
  /** What was read of the body. */
  body: string;
  /** How the body ended, as far as this driver saw it. */
  end: "open" | "closed" | "broken";
}

export function startDriver(clock: SimClock, habits: DriverHabits, persistedText: string): SimDriver {
  const format = habits.format === "sse" ? sseFormat : plainTextFormat(persistedText);
  const driver: SimDriver = { sink: new BodySink(format, 1), body: "", end: "open" };
  if (habits.kind === "reads") {
    void read(clock, habits, driver);
  } else if (habits.kind === "cancels") {
    clock.setTimer(() => leave(driver), habits.pauseMs);
  } else if (habits.kind === "absent") {
    leave(driver);
  }
  return driver;
}

function leave(driver: SimDriver): void {
  // A body that was broken off before cannot be cancelled, and need not be.
  driver.sink.body.cancel().catch(() => {});
}

async function read(clock: SimClock, { pauseMs }: DriverHabits, driver: SimDriver): Promise<void> {
  const decoder = new TextDecoder();
  const reader: ReadableStreamDefaultReader<Uint8Array> = driver.sink.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        driver.end = "closed";
        return;
      }
      driver.body += decoder.decode(value, { stream: true });
      if (pauseMs > 0) {
        await clock.wait(pauseMs);
      }
    }
  } catch {
    // A plain body without its end is broken off, so that nobody takes it for the whole reply.
    driver.end = "broken";
  }
}
