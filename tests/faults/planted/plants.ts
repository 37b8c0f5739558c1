/**
 * Faults of the product, planted one at a time to see that the suite catches each: textual changes to a copy of the app,
 * and the smallest scenario that provokes what comes of them.
 */
import type { DeploymentFault, FaultKind, Stage } from "../faultTable.ts";
import type { RuleName } from "../rules.ts";
import type { Scenario, SecondTurn } from "../scenario.ts";

export interface Plant {
  /** What is wrong with the product now. */
  name: string;
  /** Each text to be found occurs exactly once in its file. */
  changes: { file: string; find: string; replace: string }[];
  scenario: Scenario;
  /** The rules that may notice; one of them has to. */
  caughtBy: RuleName[];
}

interface Provocation {
  faults?: [FaultKind, Stage][];
  strikes?: [DeploymentFault, Stage][];
  directives?: string[];
  second?: SecondTurn | null;
  sending?: Scenario["sending"];
  tokens?: number;
  think?: number;
  plainReader?: Scenario["plainReader"];
  durationMs?: number;
}

function provoke({
  faults = [],
  strikes = [],
  directives = [],
  second = null,
  sending = "mutation",
  tokens = 80,
  think = 0,
  plainReader = null,
  durationMs = 500,
}: Provocation): Scenario {
  return {
    seed: 1,
    number: 0,
    model: "demo",
    tokens,
    rate: 60,
    middle: Math.floor(tokens / 2) + 1,
    directives: ["text=plain", ...directives],
    second,
    plainReader,
    hasUnknownFields: false,
    think,
    thoughtHeldAfter: null,
    spectators: 1,
    headHeld: "down",
    sending,
    faults: faults.map(([kind, stage]) => ({ kind, stage, durationMs })),
    strikes: strikes.map(([kind, stage]) => ({ kind, stage, downMs: 0 })),
    strikesAfterFlush: true,
  };
}

export const plants: readonly Plant[] = [
  {
    name: "a flush loses its first character",
    changes: [
      {
        file: "convex/model/replyGrowth.ts",
        find: "appendToStreams(ctx, run, at, newText)",
        replace: "appendToStreams(ctx, run, at, newText.slice(1))",
      },
    ],
    scenario: provoke({ strikes: [["kill", "lastFlush"]] }),
    caughtBy: ["persistedTextIsKept", "finalTextIsWhatWasSent"],
  },
  {
    name: "a piece is appended twice",
    changes: [
      {
        file: "convex/streaming/replyPump.ts",
        find: "for (const piece of pieces(text, maxPieceLength)) {",
        replace: "for (const piece of pieces(text.length > 6 ? text + text : text, maxPieceLength)) {",
      },
    ],
    scenario: provoke({}),
    caughtBy: ["finalTextIsWhatWasSent", "shownTextWasSent"],
  },
  {
    name: "half of a pair goes missing",
    changes: [
      {
        file: "convex/streaming/wellFormedText.ts",
        find: "const text = this.held + piece;",
        replace: "const text = piece;",
      },
    ],
    scenario: provoke({ directives: ["unicode=1", "halves=1"] }),
    caughtBy: ["finalTextIsWhatWasSent", "shownTextWasSent"],
  },
  {
    name: "the reaper sleeps",
    changes: [{ file: "convex/crons.ts", find: "{ seconds: 10 }", replace: "{ hours: 1 }" }],
    scenario: provoke({ strikes: [["kill", "middle"]] }),
    caughtBy: ["endsInTime"],
  },
  {
    name: "what is held back at the end is dropped",
    changes: [
      {
        file: "convex/streaming/responseSource.ts",
        find: "this.wellFormed.end()) + this.novelty.end();",
        replace: "this.wellFormed.end());",
      },
    ],
    scenario: provoke({ strikes: [["kill", "middle"]], tokens: 40 }),
    caughtBy: ["finalTextIsWhatWasSent"],
  },
  {
    name: "a run that is held is given to a second driver",
    changes: [{ file: "convex/model/runTable.ts", find: "    claim: held,", replace: "    claim: take," }],
    scenario: provoke({ faults: [["secondDriverRaces", "middle"]] }),
    caughtBy: ["oneDriverPerAttempt"],
  },
  {
    name: "stop only sets the flag",
    changes: [
      {
        file: "convex/streaming/replyPump.ts",
        find: 'onStop: () => this.decideUnlessFinished({ kind: "stopped" }),',
        replace: "onStop: () => {},",
      },
    ],
    scenario: provoke({ faults: [["stopFromSpectator", "middle"]], durationMs: 10_000 }),
    caughtBy: ["stopIsTheHoldersOwn"],
  },
  {
    name: "a take-over forgets the last persisted words",
    changes: [
      {
        file: "convex/runs.ts",
        find: "contextTokensOf(run.model), persistedText);",
        replace: "contextTokensOf(run.model), persistedText.slice(0, -15));",
      },
    ],
    scenario: provoke({ strikes: [["kill", "middle"]] }),
    caughtBy: ["persistedTextIsKept", "finalTextIsWhatWasSent"],
  },
  {
    name: "the end of a run comes without its last words",
    changes: [
      {
        file: "convex/model/runEnding.ts",
        find: "growReply(ctx, run, length - text.length, text)",
        replace: 'growReply(ctx, run, length - text.length, "")',
      },
    ],
    scenario: provoke({}),
    caughtBy: ["endsInTime", "statusIsTrue", "finalTextIsWhatWasSent", "shownTextNeverShrinks"],
  },
  {
    name: "a client lets go of text that it has shown",
    changes: [
      {
        file: "src/streaming/mergeReplyText.ts",
        find: "return shown.length > text.length && shown.startsWith(text) ? shown : null;",
        replace: "return null;",
      },
    ],
    scenario: provoke({ strikes: [["kill", "middle"]] }),
    caughtBy: ["shownTextNeverShrinks"],
  },
  {
    name: "a message sent again is another message",
    changes: [
      {
        file: "convex/model/turnRequest.ts",
        find: "clientRequestId === null ? null : await turnOfCreation(ctx, userId, clientRequestId);",
        replace: 'clientRequestId !== "never" ? null : await turnOfCreation(ctx, userId, clientRequestId);',
      },
    ],
    scenario: provoke({ sending: "post", faults: [["siteCut", "beforeHead"]], tokens: 20 }),
    caughtBy: ["oneMessagePerSend"],
  },
  {
    name: "the end of a run comes without its last thoughts",
    changes: [
      {
        file: "convex/streaming/runStore.ts",
        find: "{ ...endOfReply(last), ...lastThoughts(last) }",
        replace: "endOfReply(last)",
      },
    ],
    scenario: provoke({ think: 20, tokens: 20 }),
    caughtBy: ["reasoningIsWhatWasThought"],
  },
  {
    name: "an edited message answers the one that it changes",
    changes: [
      {
        file: "convex/model/turnRequest.ts",
        find: 'const { chatId, parentId } = await messageOfRole(ctx, request.messageId, "user");',
        replace: 'const { chatId, _id: parentId } = await messageOfRole(ctx, request.messageId, "user");',
      },
    ],
    scenario: provoke({ second: "edit", tokens: 20 }),
    caughtBy: ["promptIsThePath"],
  },
  {
    name: "a reply that is regenerated loses what was known of the earlier one",
    changes: [
      {
        file: "convex/model/turnRequest.ts",
        find: "  requireEnd(version);\n",
        replace:
          '  requireEnd(version);\n  await ctx.db.patch("messages", version._id, { reply: { ...version.reply!, usage: null } });\n',
      },
    ],
    scenario: provoke({ second: "regenerate", tokens: 20 }),
    caughtBy: ["earlierVersionsAreUntouched"],
  },
  {
    name: "plain text that breaks off ends like a whole one",
    changes: [
      {
        file: "convex/streaming/bodySink.ts",
        find: "if (this.format.endMeansDone && !this.isDone) {",
        replace: "if (this.format.endMeansDone && this.encoder === null) {",
      },
    ],
    scenario: provoke({ plainReader: { leavesAt: null }, tokens: 20, directives: ["errorAfter=10"] }),
    caughtBy: ["plainTextIsTheReply"],
  },
  {
    name: "a chat that is taken back stays closed",
    changes: [
      {
        file: "convex/model/chatDeletion.ts",
        find: 'await ctx.db.insert("chatAccess", { chatId: chat._id, ownerId: chat.ownerId });',
        replace: "",
      },
    ],
    scenario: provoke({ faults: [["deleteAndUndo", "middle"]], tokens: 20 }),
    caughtBy: ["replyIsThere"],
  },
  {
    name: "an ended run leaves its tail",
    changes: [
      {
        file: "convex/runs.ts",
        find: 'await ctx.db.delete("tails", run.tailId);',
        replace: "",
      },
    ],
    scenario: provoke({}),
    caughtBy: ["noRowsLeft"],
  },
];
