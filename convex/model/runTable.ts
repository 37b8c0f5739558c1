/**
 * What becomes of a run: every state against everything that can happen to it. The table decides, `runLifecycle`
 * carries out; nobody else judges by the status whether something may be done.
 *
 *                   stop                       end: finish, fail
 *     queued ----------------> stopped    .---------------------> complete | stopped | failed
 *       |                         ^       |
 *       | claim             stop  |       |   last death
 *       '------------> running ---+-------+---------------------> interrupted
 *                       |   ^     |
 *          death, or    |   |     | stop
 *          handed on    v   |     |
 *                     recovering -'
 *                      (claim)
 *
 * A run without a place waits where it is, queued or recovering; one that the server starts again and again and that no
 * action claims fails with a reason, and so does one that every try to take up fails for. A death is a deadline that
 * passed: it costs one of the run's lives; to be handed on costs none. Both raise the attempt. Every state but the four
 * ends has a deadline.
 */
import { hasEnded } from "../shared/streamEvents.ts";
import type { RunStatus } from "../shared/streamEvents.ts";

/** The second death is the last: whatever kills a run twice would kill it again, at somebody's expense. */
const maxDeaths = 2;

/**
 * Actions of the server that may be started for a run without one of them claiming it. Each has twenty seconds, so that
 * minutes pass before it is clear that not the load but something about the run is in the way.
 */
const maxStarts = 15;

/** Tries to take a run up that may fail. With the waits between them, which grow, they take five minutes. */
const maxFailedTakeUps = 5;

export type RunEvent =
  /** By somebody who does not hold the run. */
  | "claim"
  /** The same, while as many runs go on as may. */
  | "claimWithoutPlace"
  /** By the token that holds it: the answer was lost. */
  | "claimRepeated"
  /** By the driver that holds it, under another token, and nothing was written since: its first request was lost. */
  | "claimRenewed"
  /** The next eight by the token that holds the run, or held it when it ended. */
  | "append"
  | "heartbeat"
  | "finish"
  | "finishStopped"
  | "fail"
  | "handOn"
  /** By one that was asked to stop. */
  | "handOnAfterStop"
  /** By the token that handed the run on before: the answer was lost. */
  | "handOnRepeated"
  | "stop"
  | "stopRepeated"
  /** No driver came, or one was turned away. */
  | "offer"
  | "deadlinePassed"
  /** The holder was asked to stop and has not. */
  | "deadlinePassedAfterStop"
  /** The run has died before. */
  | "deadlinePassedLastLife"
  /** Nobody holds the run, and of all actions that were started for it none claimed it. */
  | "deadlinePassedLastStart"
  /** Something about the run's rows or streams made every try to take it up fail. */
  | "deadlinePassedLastTry"
  /** The chat is removed. */
  | "remove";

export type Refusal = "ended" | "held" | "notHeld";

export type RunStep =
  | { do: "take"; to: "running" }
  /** It asks for a place in the queue. */
  | { do: "wait" }
  /** Nothing changes, and the answer is the one that was lost. */
  | { do: "answer" }
  | { do: "write" }
  | { do: "extend" }
  /** With the text and outcome that the holder gives. */
  | { do: "end"; to: "complete" | "stopped" | "failed" }
  /** With what is persisted; the holder, if there is one, has lost it. */
  | { do: "seal"; to: "stopped" | "interrupted" | "failed" }
  /** As it is, with as little as can be: its text stays where it is, and is moved when that is possible. */
  | { do: "abandon"; to: "failed" }
  | { do: "askToStop" }
  | { do: "leaveToServer" }
  /** Whoever was to begin with it has not. */
  | { do: "queueAgain" }
  | { do: "recover"; to: "recovering" }
  | { do: "handOn"; to: "recovering" }
  | { do: "revoke"; to: "stopped" }
  | { do: "refuse"; because: Refusal }
  | { do: "ignore" };

const take: RunStep = { do: "take", to: "running" };
const wait: RunStep = { do: "wait" };
const answer: RunStep = { do: "answer" };
const ignore: RunStep = { do: "ignore" };
const ended: RunStep = { do: "refuse", because: "ended" };
const held: RunStep = { do: "refuse", because: "held" };
const notHeld: RunStep = { do: "refuse", because: "notHeld" };
const queueAgain: RunStep = { do: "queueAgain" };
const revoke: RunStep = { do: "revoke", to: "stopped" };
const sealStopped: RunStep = { do: "seal", to: "stopped" };
const abandon: RunStep = { do: "abandon", to: "failed" };

/** Nobody holds the run: any claim is a new one, and what only a holder may do is refused. */
const whileWaiting: Record<RunEvent, RunStep> = {
  claim: take,
  claimWithoutPlace: wait,
  claimRepeated: take,
  claimRenewed: take,
  append: notHeld,
  heartbeat: notHeld,
  finish: notHeld,
  finishStopped: notHeld,
  fail: notHeld,
  handOn: notHeld,
  handOnAfterStop: notHeld,
  handOnRepeated: answer,
  stop: sealStopped,
  stopRepeated: sealStopped,
  offer: { do: "leaveToServer" },
  deadlinePassed: queueAgain,
  deadlinePassedAfterStop: sealStopped,
  deadlinePassedLastLife: queueAgain,
  deadlinePassedLastStart: { do: "seal", to: "failed" },
  deadlinePassedLastTry: abandon,
  remove: revoke,
};

/** Ends are final; what comes too late is refused where somebody waits for the answer. */
const afterEnd: Record<RunEvent, RunStep> = {
  claim: ended,
  claimWithoutPlace: ended,
  claimRepeated: ended,
  claimRenewed: ended,
  append: ended,
  heartbeat: ended,
  finish: ended,
  finishStopped: ended,
  fail: ended,
  handOn: ended,
  handOnAfterStop: ended,
  handOnRepeated: answer,
  stop: ignore,
  stopRepeated: ignore,
  offer: ignore,
  deadlinePassed: ignore,
  deadlinePassedAfterStop: ignore,
  deadlinePassedLastLife: ignore,
  deadlinePassedLastStart: ignore,
  deadlinePassedLastTry: ignore,
  remove: ignore,
};

export const runTable: Readonly<Record<RunStatus, Readonly<Record<RunEvent, RunStep>>>> = {
  queued: whileWaiting,
  // A run that is recovering is in the queue already, and no driver was to come.
  recovering: { ...whileWaiting, offer: ignore },
  running: {
    claim: held,
    claimWithoutPlace: held,
    claimRepeated: answer,
    claimRenewed: take,
    append: { do: "write" },
    heartbeat: { do: "extend" },
    finish: { do: "end", to: "complete" },
    finishStopped: { do: "end", to: "stopped" },
    fail: { do: "end", to: "failed" },
    handOn: { do: "handOn", to: "recovering" },
    handOnAfterStop: sealStopped,
    handOnRepeated: answer,
    stop: { do: "askToStop" },
    stopRepeated: ignore,
    offer: ignore,
    deadlinePassed: { do: "recover", to: "recovering" },
    deadlinePassedAfterStop: sealStopped,
    deadlinePassedLastLife: { do: "seal", to: "interrupted" },
    // Whoever holds it has claimed it.
    deadlinePassedLastStart: { do: "recover", to: "recovering" },
    deadlinePassedLastTry: abandon,
    remove: revoke,
  },
  complete: { ...afterEnd, finish: answer },
  stopped: { ...afterEnd, finishStopped: answer },
  failed: { ...afterEnd, fail: answer },
  interrupted: afterEnd,
};

/** What the table's events depend on, of a run's row. */
export interface RunFacts {
  status: RunStatus;
  token: string | null;
  driverToken: string | null;
  attempt: number;
  /** Missing in rows of an older version, where nothing but a death raised the attempt. */
  deaths?: number | undefined;
  /** Of actions of the server since somebody last held it. */
  starts?: number | undefined;
  /** Tries to take it up that failed since somebody last held it. */
  failedTakeUps?: number | undefined;
  /** The length of the persisted text when it was claimed. */
  claimedLength?: number | undefined;
  stopRequestedAt: number | null;
}

export function deathsOf({ deaths, attempt }: Pick<RunFacts, "deaths" | "attempt">): number {
  return deaths ?? attempt - 1;
}

/**
 * Whether there is a place is only looked at for a claim that the table would let have one. Of two requests of one driver
 * the later has the run: it is sent because the connection of the first is lost, and refusing it would cost the driver
 * its live text. Where the first lives all the same, its model is asked in vain until its pump looks again: to tell
 * would take a write of every pump before its first word.
 */
export function claimEvent(
  run: RunFacts,
  claim: { token: string; driverToken: string | null },
  persistedLength: number,
): "claim" | "claimRepeated" | "claimRenewed" {
  if (run.status !== "running") {
    return "claim";
  }
  if (run.token === claim.token) {
    return "claimRepeated";
  }
  const isSameDriver = claim.driverToken !== null && claim.driverToken === run.driverToken;
  return isSameDriver && persistedLength === (run.claimedLength ?? 0) ? "claimRenewed" : "claim";
}

export function endEvent(status: "complete" | "stopped" | "failed"): "finish" | "finishStopped" | "fail" {
  const events = { complete: "finish", stopped: "finishStopped", failed: "fail" } as const;
  return events[status];
}

export function handOnEvent({ stopRequestedAt }: RunFacts): "handOn" | "handOnAfterStop" {
  return stopRequestedAt === null ? "handOn" : "handOnAfterStop";
}

export function stopEvent({ stopRequestedAt }: RunFacts): "stop" | "stopRepeated" {
  return stopRequestedAt === null ? "stop" : "stopRepeated";
}

type DeadlineEvent = Extract<RunEvent, `deadlinePassed${string}`>;

export function deadlineEvent(run: RunFacts): DeadlineEvent {
  if ((run.failedTakeUps ?? 0) >= maxFailedTakeUps) {
    return "deadlinePassedLastTry";
  }
  if (run.stopRequestedAt !== null) {
    return "deadlinePassedAfterStop";
  }
  if ((run.starts ?? 0) >= maxStarts) {
    return "deadlinePassedLastStart";
  }
  return deathsOf(run) + 1 >= maxDeaths ? "deadlinePassedLastLife" : "deadlinePassed";
}

/** In words, for whoever was refused. */
export function describeRefusal(because: Refusal): string {
  switch (because) {
    case "ended":
      return "This reply has ended.";
    case "held":
      return "This reply is already being written.";
    case "notHeld":
      return "This run has ended or belongs to somebody else.";
    default:
      return because satisfies never;
  }
}

/** The states in which a run may be, for those who go through all of them. */
export const runStates = Object.keys(runTable) as RunStatus[];

export const liveStates = runStates.filter((state) => !hasEnded(state));
