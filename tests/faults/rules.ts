/**
 * What must always hold, judged from outside: pure functions over the evidence of one scenario. Long, for it is a list: one
 * rule after the other.
 */
import type { Turn } from "../../demo/conversation.ts";
import { hasEnded } from "../../convex/shared/streamEvents.ts";
import { endWithinMs } from "./endWithin.ts";
import type { Evidence, FinalState, Thought } from "./evidence.ts";
import { deathsOf, shortOutagesMs, strikesOf, thoughtsKept, wasSilent } from "./runDeaths.ts";
import { describeThoughts, isTextOfThoughts, isWhatWasThought } from "./sentThoughts.ts";
import {
  isBeginningOf,
  isFoundedOnWhatWasSent,
  persistedBefore,
  rightTexts,
  textsAfter,
} from "./sentTexts.ts";

/** A sentence for each thing that is wrong; none: the rule holds. */
export type Rule = (evidence: Evidence) => string[];

export interface BrokenRule {
  rule: string;
  what: string;
}

/** Units by which a driver may be ahead of the database: four thousand and one piece of five hundred. */
const maxAhead = 4_500;

export const rules = {
  /** Within an attempt the text is what the model sent, in order, nothing twice, nothing missing. */
  finalTextIsWhatWasSent: ({ final, requests, stopAskedAtMs, base }) => {
    if (final === null || !hasEnded(final.status)) return [];
    const text = final.bodyText;
    if (requests.length === 0 && text === base) return [];
    const persisted = Math.max(...requests.map((request) => persistedBefore(request).length));
    const isRight = requests.some((request) => {
      if (!isFoundedOnWhatWasSent(request, requests, base)) return false;
      const mayBePart =
        request.isDisturbed ||
        final.status === "interrupted" ||
        (final.status === "stopped" && stopAskedAtMs !== null);
      return textsAfter(request).some((sent) =>
        mayBePart
          ? isBeginningOf(sent, text) && text.length >= persisted
          : sent === text && (final.status !== "complete" || request.state === "finished"),
      );
    });
    return isRight
      ? []
      : [`the reply (${final.status}) is none of what the model's words come to: ${quote(text)}`];
  },

  /** A successor goes on from all that anybody saw persisted. */
  persistedTextIsKept: ({ final, requests, stored }) => {
    const lost = requests.flatMap((request) => {
      const before = persistedBefore(request).length;
      const seen = persistedUntil(stored, request.startedAtMs);
      return request.isContinuation && before < seen
        ? [`an attempt went on from ${before} units when ${seen} were persisted`]
        : [];
    });
    const seen = persistedUntil(stored, Number.POSITIVE_INFINITY);
    if (final !== null && final.bodyText.length < seen) {
      lost.push(`the reply has ${final.bodyText.length} units, and ${seen} were persisted`);
    }
    return lost;
  },

  /** Nobody was ever shown anything but a beginning of what the model said. */
  shownTextWasSent: ({ clients, requests, base }) => {
    const right = [base, ...rightTexts(requests)];
    return clients.flatMap(({ name, samples }) => {
      const wrong = samples.find(
        ({ text }) => text !== "" && !right.some((sent) => isBeginningOf(sent, text)),
      );
      return wrong === undefined ? [] : [`${name} showed what nobody said: ${quote(wrong.text)}`];
    });
  },

  /** Shown text grows. What a dead attempt showed beyond the persisted text gives way once, in one step. */
  shownTextNeverShrinks: (evidence) => {
    const allowed = deathsOf(evidence);
    return evidence.clients.flatMap(({ name, samples: all }) => {
      // Of a deleted chat nothing is left to show, and while it is deleted nothing is there.
      const samples =
        evidence.isDeleted || evidence.undo !== null ? all.filter(({ text }) => text !== "") : all;
      const changes = samples.flatMap((sample, index) => {
        const before = samples[index - 1]?.text ?? "";
        return sample.text.startsWith(before) ? [] : [{ before, after: sample.text }];
      });
      const wrong = changes
        // What was shown too much is held until the successor says otherwise, or the end does.
        .filter(({ before, after }) => before.startsWith(after) && after !== evidence.final?.bodyText)
        .map(({ before, after }) => `${name} took back ${quote(before)} to ${quote(after)}`);
      return changes.length <= allowed
        ? wrong
        : [...wrong, `${name} changed shown text ${changes.length} times, for ${allowed} deaths`];
    });
  },

  /** The reasoning is what each attempt thought, as far as it was kept, one after the other and each in its place. */
  reasoningIsWhatWasThought: (evidence) => {
    const { final, requests } = evidence;
    if (final === null || !hasEnded(final.status)) return [];
    return isWhatWasThought(final.thoughts, requests, (request) => thoughtsKept(evidence, request))
      ? []
      : [`the reasoning is not what the model thought: ${describeThoughts(final.thoughts)}`];
  },

  /**
   * Nobody was ever shown other thoughts, and in the end everybody sees what is stored; who heard thoughts that a death
   * took with it before they were, still sees them behind that. Where a thought stands is only known to who knows the
   * text before it.
   */
  shownReasoningWasThought: (evidence) => {
    const { clients, requests, final } = evidence;
    const mayHaveMore = strikesOf(evidence) > 0;
    return clients.flatMap(({ name, reasonings, isOpenAtEnd }) => {
      const wrong = reasonings.find((shown) => !isTextOfThoughts(shown, requests));
      if (wrong !== undefined) return [`${name} showed what nobody thought: ${describeThoughts(wrong)}`];
      if (final === null || !isOpenAtEnd) return [];
      const last = reasonings.at(-1) ?? [];
      const textOf = (thoughts: readonly Thought[]) => thoughts.map(({ text }) => text).join("");
      const [shown, stored] = [textOf(last), textOf(final.thoughts)];
      return shown === stored || (mayHaveMore && shown.startsWith(stored))
        ? []
        : [`${name} ended with ${describeThoughts(last)}, not ${describeThoughts(final.thoughts)}`];
    });
  },

  noHalfCharacters: ({ clients, final }) => {
    const halves = clients.flatMap(({ name, samples }) =>
      samples.some(({ text }) => !text.isWellFormed()) ? [`${name} showed half a character`] : [],
    );
    if (final !== null && !final.bodyText.isWellFormed()) halves.push("half a character is stored");
    return halves;
  },

  /** In the end everybody sees the same, and the database holds it. */
  everybodyAgrees: ({ clients, final }) => {
    if (final === null || !hasEnded(final.status)) return [];
    const wrong = clients.flatMap(({ name, samples, isOpenAtEnd }) => {
      const last = samples.at(-1);
      if (!isOpenAtEnd || (last?.text === final.bodyText && last.status === final.status)) return [];
      return [`${name} ended with ${last?.status} ${quote(last?.text ?? "nothing")}, not ${describe(final)}`];
    });
    if (final.storedText !== final.bodyText) {
      wrong.push(
        `getText answers ${quote(final.storedText ?? "null")}, getChatBody ${quote(final.bodyText)}`,
      );
    }
    return wrong;
  },

  /** However often it was asked for. */
  oneMessagePerSend: ({ messages, final }) =>
    final === null || (final.userMessages === messages.user && final.replies === messages.replies)
      ? []
      : [
          `${messages.user} messages were sent and ${messages.replies} replies asked for, ` +
            `${final.userMessages} and ${final.replies} are there`,
        ],

  /** The model is given the way through the tree to its reply and nothing beside it, and the reply stands at its end. */
  promptIsThePath: ({ requests, path, ancestors, final }) => {
    const wrong = requests.flatMap(({ messages, isContinuation }) => {
      const given = isContinuation ? messages.slice(0, -2) : messages;
      return isSame(given.map(turnOf), path.map(turnOf))
        ? []
        : [
            `the model was given ${given.length} turns, not the ${path.length} of its path: ${JSON.stringify(given)}`,
          ];
    });
    if (final !== null && ancestors !== null && !isSame(final.ancestors, ancestors)) {
      wrong.push(`the reply stands below ${final.ancestors.join(", ")}, not ${ancestors.join(", ")}`);
    }
    return wrong;
  },

  /** What was there before is there, as it was. */
  earlierVersionsAreUntouched: ({ earlier, final }) => {
    if (final === null) return [];
    return earlier
      .filter((message) => !final.earlier.some((now) => isSame(now, message)))
      .map(({ id, role }) => {
        const now = final.earlier.find((message) => message.id === id);
        return `the earlier ${role} message is now ${JSON.stringify(now ?? "gone")}`;
      });
  },

  /** A run that is being written is given to nobody else. */
  oneDriverPerAttempt: ({ posts }) => {
    const holders = Map.groupBy(
      posts.filter(({ attempt }) => attempt !== null),
      ({ attempt }) => attempt,
    );
    return [...holders].flatMap(([attempt, given]) => {
      const tokens = new Set(given.map(({ runToken }) => runToken));
      return tokens.size > 1 ? [`${tokens.size} callers were given attempt ${attempt}`] : [];
    });
  },

  /** A driver is never far ahead of the database: what a death takes from the screen is little. */
  driverIsNotFarAhead: ({ posts, requests, base }) => {
    // Until more is persisted than it began with, a reply that goes on from another may still be in its first attempt.
    const next = requests.find(
      (request) => request.isContinuation && persistedBefore(request).length > base.length,
    );
    if (next === undefined) return [];
    const persisted = persistedBefore(next).length;
    const shown = Math.max(
      0,
      ...posts.filter(({ attempt }) => attempt === 1).map(({ liveLength }) => liveLength),
    );
    return shown - persisted <= maxAhead
      ? []
      : [`a driver had ${shown} units of which ${persisted} were persisted`];
  },

  endsInTime: (evidence) => {
    const { endedAtMs, quietSinceMs, workMs, isDeleted } = evidence;
    if (isDeleted) return [];
    if (endedAtMs === null) return ["the run never ended"];
    const tookMs = endedAtMs - quietSinceMs - workMs - shortOutagesMs(evidence);
    return tookMs <= endWithinMs
      ? []
      : [`the run ended ${(tookMs / 1_000).toFixed(1)} s after its last fault`];
  },

  statusIsTrue: (evidence) => {
    const { final, requests, stopAskedAtMs } = evidence;
    switch (final?.status) {
      case "complete":
        return requests.some(({ state }) => state === "finished") ? [] : ["complete, and no model finished"];
      case "stopped":
        return stopAskedAtMs === null ? ["stopped, and nobody asked for it"] : [];
      case "failed":
        return brokenFailure(evidence);
      case "interrupted":
        return strikesOf(evidence) >= 2 ? [] : [`interrupted after ${strikesOf(evidence)} deaths`];
      default:
        return [];
    }
  },

  /** A stop reaches the model: its run is ended by who holds it, with the usage so far, and not sealed behind its back. */
  stopIsTheHoldersOwn: (evidence) => {
    const { final, stopAskedAtMs, endedAtMs, base } = evidence;
    const askedAtMs = stopAskedAtMs ?? Number.POSITIVE_INFINITY;
    const mayBeSealed = strikesOf(evidence) > 0 || wasSilent(evidence, askedAtMs, endedAtMs);
    return final?.status === "stopped" && final.bodyText !== base && !final.hasUsage && !mayBeSealed
      ? ["the stop did not reach the model: the run was sealed without its usage"]
      : [];
  },

  /** Who was told that the reply is done, or failed, was told the truth. */
  lastWordIsTrue: ({ final, posts }) => {
    if (final === null) return [];
    const isDone = final.status === "complete" || final.status === "stopped";
    return posts.flatMap(({ last }) =>
      last === null || (last === "done") === isDone
        ? []
        : [`a driver was told ${last} of a reply that is ${final.status}`],
    );
  },

  /** Who reads plain text has a beginning of the reply; a body that ends as bodies do has all of it, and it is done. */
  plainTextIsTheReply: ({ final, plainReadings, requests, base }) => {
    const right = [base, ...rightTexts(requests)];
    return plainReadings.flatMap(({ text, end }) => {
      if (!right.some((sent) => isBeginningOf(sent, text)))
        return [`plain text is what nobody said: ${quote(text)}`];
      if (end !== "whole" || final === null) return [];
      const isDone = final.status === "complete" || final.status === "stopped";
      return isDone && text === final.bodyText
        ? []
        : [`plain text ended with ${quote(text)}, not ${describe(final)}`];
    });
  },

  /** Ended, stopped and deleted replies leave no model talking. */
  modelIsLetGo: ({ requests }) =>
    requests.flatMap(({ closedAtMs, state }) =>
      closedAtMs === null ? [`a request to the model is still ${state}`] : [],
    ),

  /** Stops and deletions are taken, whatever the state of the run; of a deleted reply there is nothing to stop. */
  personIsObeyed: ({ refusals, isDeleted, undo }) => (isDeleted || undo !== null ? [] : refusals),

  /** A message that the server has taken is there, unless it was deleted; what was deleted for a moment is there again. */
  replyIsThere: ({ final, ids, isDeleted, undo }) => {
    if (isDeleted || ids === null) return [];
    if (undo === "wanted") return ["a deletion could not be taken back"];
    return final === null ? ["the reply is gone, and nobody deleted it"] : [];
  },

  noRowsLeft: ({ rowsLeft }) =>
    Object.entries(rowsLeft).map(([table, count]) => `${count} rows are left in ${table}`),
} satisfies Record<string, Rule>;

export type RuleName = keyof typeof rules;

export function brokenRules(evidence: Evidence): BrokenRule[] {
  return Object.entries(rules).flatMap(([rule, judge]) => judge(evidence).map((what) => ({ rule, what })));
}

function turnOf({ role, text }: Turn): string[] {
  return [role, text];
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function brokenFailure({ final, requests }: Evidence): string[] {
  const message = final?.error?.message ?? "";
  const broken: string[] = [];
  if (!/[a-z]{3}.* .*[a-z]{3}/i.test(message) || /\[object|undefined|null/.test(message)) {
    broken.push(`failed with a message for nobody: ${quote(message)}`);
  }
  if (!requests.some(({ state, isDisturbed }) => isDisturbed || state === "refused" || state === "cut")) {
    broken.push(`failed, and nothing was wrong with the model: ${quote(message)}`);
  }
  return broken;
}

function persistedUntil(stored: Evidence["stored"], atMs: number): number {
  return Math.max(
    0,
    ...stored.filter((sample) => sample.atMs < atMs).map(({ persistedLength }) => persistedLength),
  );
}

function describe({ status, bodyText }: FinalState): string {
  return `${status} ${quote(bodyText)}`;
}

/** The end of a text, where what went wrong is. */
function quote(text: string): string {
  const shown = text.length > 160 ? `… ${text.slice(-160)}` : text;
  return `“${shown}” (${text.length} units)`;
}
