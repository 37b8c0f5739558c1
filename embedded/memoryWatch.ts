/**
 * Sees from outside that a thread's functions take more memory than they may, and ends the thread. V8 has a limit of its
 * own, close to which it may end the whole process instead: it is set far above this one, which counts the bytes of
 * buffers, too.
 */
import type { Worker } from "node:worker_threads";
import { every } from "./every.ts";

export interface MemoryWatchParts {
  worker: Worker;
  /** Given the bytes in use, garbage included; true ends the thread. */
  isTooMuch: (bytes: number) => boolean;
  onEnd: () => void;
}

/** A thread can take some 100 MB in this time. */
const lookEveryMs = 100;
export const mib = 1024 * 1024;

/** V8's own limit: far above what the watch lets pass. */
export function heapLimits(maxMemoryMb: number): { maxOldGenerationSizeMb: number } {
  return { maxOldGenerationSizeMb: maxMemoryMb + 2_048 };
}

/** Returns what stops the watch, to be called when the thread has ended. */
export function watchMemory({ worker, isTooMuch, onEnd }: MemoryWatchParts): () => void {
  let isAsking = false;
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    try {
      // Answered by the thread between two instructions, also in a loop.
      const { used_heap_size: heap, external_memory: buffers } = await worker.getHeapStatistics();
      if (!isTooMuch(heap + buffers)) return;
      stop();
      onEnd();
      await worker.terminate();
    } catch {
      // The thread does not run yet, or no more: its owner stops the watch when it ends.
    } finally {
      isAsking = false;
    }
  };
  const stop = every(lookEveryMs, () => void look());
  return stop;
}

/** For threads in which many functions run side by side: too much in a row, so that garbage had time to go. */
export function tooMuchForLong(maxMemoryMb: number): (bytes: number) => boolean {
  let inARow = 0;
  return (bytes) => {
    inARow = bytes > maxMemoryMb * mib ? inARow + 1 : 0;
    return inARow > 3;
  };
}

/** For a thread in which one function runs at a time: what was taken while the same run went on. */
export function tooMuchForOne(maxMemoryMb: number, currentRun: () => number): (bytes: number) => boolean {
  let before = { run: Number.NaN, bytes: 0 };
  let started = before;
  return (bytes) => {
    const run = currentRun();
    // What this look sees of a new run it may have taken already: it counts from the look before.
    if (run !== before.run) started = before;
    before = { run, bytes };
    return run !== 0 && bytes - started.bytes > maxMemoryMb * mib;
  };
}
