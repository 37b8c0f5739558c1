/** The body of a request as it comes, with an end to patience: for whoever takes it in piece by piece. */
import type { IncomingMessage } from "node:http";

export interface BodyPatience {
  /** The longest wait for one piece. */
  maxIdleMs: number;
  /** All waits together. Only waiting for the sender counts, not what the reader does between two pieces. */
  maxWaitMs: number;
}

/**
 * Nothing is read before it is asked for, so a slow reader slows the sender. The connection stays usable after a refusal,
 * which has to be told. Rejects with what `late` makes of a wait that was too long, and with what `ended` makes of a sender
 * that went away.
 */
export async function* bodyChunks(
  request: IncomingMessage,
  { maxIdleMs, maxWaitMs }: BodyPatience,
  late: (waitedMs: number) => Error,
  ended: (cause: unknown) => Error,
): AsyncGenerator<Buffer, void> {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer, undefined>;
  let leftMs = maxWaitMs;
  try {
    for (;;) {
      const patienceMs = Math.max(0, Math.min(maxIdleMs, leftMs));
      const startedMs = performance.now();
      const next = Promise.withResolvers<IteratorResult<Buffer, undefined>>();
      const timer = setTimeout(() => next.reject(late(patienceMs)), patienceMs);
      chunks.next().then(next.resolve, (cause: unknown) => next.reject(ended(cause)));
      const { done, value } = await next.promise.finally(() => clearTimeout(timer));
      if (done === true) return;
      leftMs -= performance.now() - startedMs;
      yield value;
    }
  } finally {
    // Whoever reads the rest, if anybody does, is not this generator. It waits for a read that is still under way.
    void chunks.return?.();
  }
}
