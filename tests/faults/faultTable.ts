/**
 * The rows and columns of the table that the suite fills: which faults there are, at which stages of a reply each can
 * happen, and why it cannot at the others. A missing cell is a type error.
 */

/** In the order in which a reply comes by them. */
export const stages = [
  /** The person has pressed Enter, and the message has not left. */
  "beforeSend",
  /** The server has the message, and nobody has asked for its reply. */
  "betweenSendAndPost",
  /** The POST is out, and its answer has not come. */
  "beforeHead",
  /** The model has been asked, and has said nothing. */
  "beforeFirstToken",
  "middle",
  /** The model has said its last word, but not that it is the last. */
  "lastFlush",
  /** The model has ended, and nobody has seen the run end. */
  "finish",
  "after",
] as const;

export type Stage = (typeof stages)[number];

export function stageIndex(stage: Stage): number {
  return stages.indexOf(stage);
}

export function isOfText(stage: Stage): boolean {
  return stage === "middle" || stage === "lastFlush";
}

/** The model can be told to wait there. */
export function isHoldable(stage: Stage): boolean {
  return stage === "beforeFirstToken" || isOfText(stage);
}

const noMessage = "there is no message yet";
const noRequest = "the model is not asked yet";
const asked = "the model has been asked already";
const hasText = "the model has spoken: only silence before the first word is like this";
const modelEnded = "the model has said all it had to say";
const runEnded = "the run has ended";
const noPost = "there is no POST yet";
const noAnswer = "the answer to the POST is no longer on its way";
const countedInMiddle = "it lasts for the whole reply, and is counted where text flows";

type Cells = Record<Stage, true | string>;

/** `true` for the stages from `first` to `last`; before them `early` is the reason, after them `late`. */
function from(first: Stage, last: Stage, early = "", late = ""): Cells {
  const cells = stages.map((stage) => {
    const index = stageIndex(stage);
    const reason = index < stageIndex(first) ? early : index > stageIndex(last) ? late : true;
    return [stage, reason];
  });
  return Object.fromEntries(cells) as Cells;
}

export const faultTable = {
  driverCloses: from("betweenSendAndPost", "after", "without its page no message was ever sent"),
  driverReloads: from("beforeSend", "after"),
  driverStuck: from("betweenSendAndPost", "finish", noPost, runEnded),
  driverReadsSlowly: from("betweenSendAndPost", "finish", noPost, runEnded),
  driverPostsTwice: from("beforeHead", "after", noPost),
  secondDriverRaces: from("betweenSendAndPost", "after", noMessage),
  driverSleeps: from("beforeSend", "after"),
  spectatorJoinsLate: from("betweenSendAndPost", "after", noMessage),
  spectatorLeavesAndReturns: from("betweenSendAndPost", "after", noMessage),
  spectatorSocketCut: from("betweenSendAndPost", "after", noMessage),
  providerRefuses: from("beforeFirstToken", "beforeFirstToken", noRequest, asked),
  providerCuts: from("beforeFirstToken", "lastFlush", noRequest, modelEnded),
  providerErrors: from("beforeFirstToken", "lastFlush", noRequest, modelEnded),
  providerStalls: from("beforeFirstToken", "lastFlush", noRequest, modelEnded),
  providerSlow: from("middle", "middle", noRequest, countedInMiddle),
  providerSplitsCharacters: from("middle", "middle", noRequest, countedInMiddle),
  providerRepeats: from("middle", "middle", noRequest, countedInMiddle),
  siteCut: from("betweenSendAndPost", "finish", noPost, noAnswer),
  siteStall: from("betweenSendAndPost", "finish", noPost, noAnswer),
  siteAnswerLost: from("betweenSendAndPost", "finish", noPost, noAnswer),
  deploymentCut: from("beforeSend", "after"),
  deploymentStall: from("beforeSend", "after"),
  sendAnswerLost: from("beforeSend", "beforeSend", "", "the message has been answered"),
  providerLinkCut: from("beforeFirstToken", "lastFlush", noRequest, modelEnded),
  providerLinkStall: from("beforeFirstToken", "lastFlush", noRequest, modelEnded),
  providerAnswerLost: from("beforeFirstToken", "beforeFirstToken", noRequest, hasText),
  restart: from("beforeSend", "after"),
  kill: from("beforeSend", "after"),
  killAndStayDown: from("beforeSend", "after"),
  stopFromDriver: from("betweenSendAndPost", "after", noMessage),
  stopFromSpectator: from("betweenSendAndPost", "after", noMessage),
  deleteChat: from("betweenSendAndPost", "after", noMessage),
  deleteAndUndo: from("betweenSendAndPost", "after", noMessage),
} satisfies Record<string, Cells>;

export type FaultKind = keyof typeof faultTable;

export const faultKinds = Object.keys(faultTable) as FaultKind[];

/** They hit every scenario of a group at once. */
export const deploymentFaults = ["restart", "kill", "killAndStayDown"] as const satisfies FaultKind[];

export type DeploymentFault = (typeof deploymentFaults)[number];

export function isDeploymentFault(kind: FaultKind): kind is DeploymentFault {
  return (deploymentFaults as readonly string[]).includes(kind);
}

/** What the model server is told to do in the message itself. */
export const scriptedFaults = [
  "providerRefuses",
  "providerCuts",
  "providerErrors",
  "providerSlow",
  "providerSplitsCharacters",
  "providerRepeats",
] as const satisfies FaultKind[];

export type ScriptedFault = (typeof scriptedFaults)[number];

export function isScripted(kind: FaultKind): kind is ScriptedFault {
  return (scriptedFaults as readonly string[]).includes(kind);
}

export function possibleStages(kind: FaultKind): Stage[] {
  return stages.filter((stage) => faultTable[kind][stage] === true);
}
