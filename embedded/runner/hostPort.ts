/** What a realm asks of its host, in the form in which it crosses the boundary: text, and replies that never throw. */
import { refuseLoneSurrogates } from "./loneSurrogates.ts";
import type { HostReply, SyscallPort } from "./prelude/hostBoundary.ts";

/** May throw an Error with `message` and, for a ConvexError, `data` as Convex JSON. */
export interface RealmHost {
  syscall(op: string, argsJson: string): string;
  /** In a query or a mutation the answer must be there at once: a promise never settles within the step. */
  asyncSyscall(op: string, argsJson: string): string | Promise<string>;
  jsSyscall(op: string, args: unknown): unknown;
}

/** `isLive`: whether anybody still waits for what the run does. */
export function syscallPort(host: RealmHost, isLive: () => boolean): SyscallPort {
  return {
    syscall: (op, argsJson) =>
      isLive() ? reply(() => host.syscall(op, wellFormed(argsJson))) : failure(new Error(runHasEnded)),
    asyncSyscall: (op, argsJson, settle) => {
      if (!isLive()) return;
      try {
        const answer = host.asyncSyscall(op, wellFormed(argsJson));
        if (typeof answer === "string") return settle({ ok: true, value: answer });
        answer.then(
          (value) => isLive() && settle({ ok: true, value }),
          (error: unknown) => isLive() && settle(failure(error)),
        );
      } catch (error) {
        settle(failure(error));
      }
    },
    jsSyscall: (op, args) => {
      try {
        if (!isLive()) throw new Error(runHasEnded);
        return { ok: true, value: host.jsSyscall(op, args) };
      } catch (error) {
        return failure(error);
      }
    },
  };
}

export const runHasEnded = "The function has ended.";

/** @throws when the JSON holds half of a surrogate pair. */
export function wellFormed(json: string): string {
  refuseLoneSurrogates(json);
  return json;
}

function failure(error: unknown): { ok: false; message: string; dataJson?: string } {
  const { message, data } = error as { message?: unknown; data?: unknown };
  const text = typeof message === "string" ? message : String(error);
  return data === undefined
    ? { ok: false, message: text }
    : { ok: false, message: text, dataJson: JSON.stringify(data) };
}

function reply(answer: () => string): HostReply {
  try {
    return { ok: true, value: answer() };
  } catch (error) {
    return failure(error);
  }
}
