/** Each rule catches what it is there for: evidence of a good scenario, spoiled in one way. Long, for it is a list. */
import { expect, test } from "vitest";
import type { Evidence, Sample } from "./evidence.ts";
import { brokenRules, rules, type RuleName } from "./rules.ts";

const prefix = "Tides rise twice a day. ";
const shownAhead = `${prefix}They follow th`;
const whole = `${prefix}They follow the moon 🌕.`;

function sample(atMs: number, text: string, status: Sample["status"], attempt = 1): Sample {
  return { atMs, text, status, attempt, role: "driver" };
}

/** The message that was edited. */
const earlier = {
  id: "earlier",
  parentId: null,
  role: "user" as const,
  text: "Tell me about tides, and be brief.",
  reply: "null",
};

/** Of the first attempt, as much as was persisted, and of the second. */
function thoughts() {
  return [
    { place: 0, text: "The moon" },
    { place: prefix.length, text: "The moon, says the sun." },
  ];
}

/** A driver sees a reply whose deployment is killed in the middle, and whose successor ends it. */
function goodEvidence(): Evidence {
  const ask = { role: "user" as const, text: "Tell me about tides." };
  const request = {
    wire: "openai" as const,
    wholeText: whole,
    overlap: 0,
    isDisturbed: false,
    thoughtUntilMs: 1_500,
  };
  return {
    title: "made by hand",
    ask: ask.text,
    ids: ["chat", "reply"],
    path: [ask],
    ancestors: ["message"],
    earlier: [earlier],
    base: "",
    messages: { user: 2, replies: 1 },
    workMs: 1_000,
    injected: [{ kind: "kill", stage: "middle", atMs: 2_000, endedAtMs: 3_000 }],
    requests: [
      {
        ...request,
        startedAtMs: 1_000,
        closedAtMs: 2_000,
        messages: [ask],
        sentText: shownAhead,
        sentReasoning: "The moon, says",
        isContinuation: false,
        state: "clientGone",
      },
      {
        ...request,
        startedAtMs: 25_000,
        closedAtMs: 26_000,
        messages: [ask, { role: "assistant", text: prefix }, { role: "user", text: "Continue." }],
        sentText: whole.slice(prefix.length),
        sentReasoning: "The moon, says the sun.",
        isContinuation: true,
        state: "finished",
      },
    ],
    clients: [
      {
        name: "driver",
        isOpenAtEnd: true,
        reasonings: [[{ place: 0, text: "The moon" }], thoughts()],
        samples: [
          sample(1_000, "", "queued"),
          sample(1_500, shownAhead, "running"),
          sample(24_000, shownAhead, "recovering", 2),
          sample(26_500, whole, "complete", 2),
        ],
      },
    ],
    posts: [
      {
        runToken: "a",
        carriesTurn: true,
        hasUnknownFields: false,
        sentAtMs: 900,
        answeredAtMs: 950,
        isOver: false,
        httpStatus: 200,
        attempt: 1,
        liveLength: shownAhead.length,
        last: null,
      },
    ],
    plainReadings: [
      { text: shownAhead, end: "broken" },
      { text: whole, end: "whole" },
    ],
    stored: [
      { atMs: 1_800, status: "running", attempt: 1, persistedLength: prefix.length },
      { atMs: 24_000, status: "recovering", attempt: 2, persistedLength: prefix.length },
      { atMs: 26_400, status: "complete", attempt: 2, persistedLength: whole.length },
    ],
    outages: [],
    stopAskedAtMs: null,
    isDeleted: false,
    undo: null,
    refusals: [],
    endedAtMs: 26_400,
    quietSinceMs: 3_000,
    final: {
      status: "complete",
      error: null,
      hasUsage: true,
      bodyText: whole,
      storedText: whole,
      thoughts: thoughts(),
      ancestors: ["message"],
      earlier: [{ ...earlier }],
      userMessages: 2,
      replies: 1,
    },
    rowsLeft: {},
  };
}

function finalWith(change: Partial<NonNullable<Evidence["final"]>>): (evidence: Evidence) => void {
  return (evidence) => {
    evidence.final = { ...evidence.final!, ...change };
  };
}

function withoutDeaths(evidence: Evidence, change: Partial<NonNullable<Evidence["final"]>>): void {
  evidence.injected = [];
  finalWith(change)(evidence);
}

function withFinalText(text: string): (evidence: Evidence) => void {
  return (evidence) => {
    finalWith({ bodyText: text, storedText: text })(evidence);
    evidence.plainReadings[1]!.text = text;
  };
}

const spoiled: Record<RuleName, [string, (evidence: Evidence) => void][]> = {
  finalTextIsWhatWasSent: [
    ["a word is missing", withFinalText(whole.replace("follow ", ""))],
    ["a word is there twice", withFinalText(whole.replace("the ", "the the "))],
    ["the last word is missing", withFinalText(whole.slice(0, -1))],
    [
      "an attempt went on from text that nobody had sent",
      (evidence) => {
        evidence.requests[1]!.messages[1]!.text = "Tides rise once. ";
        withFinalText(`Tides rise once. ${whole.slice(prefix.length)}`)(evidence);
      },
    ],
    [
      "a stopped reply lacks what its successor found persisted",
      (evidence) => {
        evidence.stopAskedAtMs = 25_500;
        finalWith({ status: "stopped", bodyText: "Tides", storedText: "Tides" })(evidence);
      },
    ],
    [
      "a failed reply lacks what had arrived",
      finalWith({ status: "failed", bodyText: prefix, storedText: prefix }),
    ],
  ],
  persistedTextIsKept: [
    ["an attempt begins before what was persisted", ({ stored }) => void (stored[0]!.persistedLength += 3)],
    ["the end is shorter than what was persisted", withFinalText(prefix)],
  ],
  shownTextWasSent: [
    ["a client shows other words", ({ clients }) => void (clients[0]!.samples[1]!.text = "Tides fall.")],
    ["a client shows a word twice", ({ clients }) => void (clients[0]!.samples[1]!.text += "the the ")],
  ],
  shownTextNeverShrinks: [
    [
      "shown text is taken back, if only for a moment",
      ({ clients }) => void clients[0]!.samples.splice(3, 0, sample(25_000, prefix, "recovering", 2)),
    ],
    [
      "text goes and comes again",
      ({ clients }) =>
        void clients[0]!.samples.splice(
          2,
          0,
          sample(2_000, "", "running"),
          sample(2_001, shownAhead, "running"),
          sample(2_002, prefix, "running"),
        ),
    ],
  ],
  reasoningIsWhatWasThought: [
    ["the last thought is missing", ({ final }) => void (final!.thoughts[1]!.text = "The moon, says")],
    ["a thought is there twice", ({ final }) => void (final!.thoughts[1]!.text += " says the sun.")],
    ["a thought stands elsewhere", ({ final }) => void (final!.thoughts[1]!.place -= 1)],
    ["nobody thought it", ({ final }) => void (final!.thoughts[0]!.text = "The sun")],
    [
      "thoughts of long before a death are lost",
      ({ requests }) => void (requests[0]!.thoughtUntilMs = requests[0]!.closedAtMs! - 5_000),
    ],
  ],
  shownReasoningWasThought: [
    [
      "a client shows other thoughts",
      ({ clients }) => void clients[0]!.reasonings.unshift([{ place: 0, text: "?" }]),
    ],
    ["a client ends with fewer", ({ clients }) => void clients[0]!.reasonings.pop()],
    ["a client ends with more, and nothing died", (evidence) => withoutDeaths(evidence, { thoughts: [] })],
  ],
  noHalfCharacters: [
    [
      "a client shows half of a pair",
      ({ clients }) => void (clients[0]!.samples[3]!.text = whole.slice(0, -2)),
    ],
    ["half of a pair is stored", withFinalText(whole.slice(0, -2))],
  ],
  everybodyAgrees: [
    ["a client ends with less", ({ clients }) => void clients[0]!.samples.pop()],
    ["a client never shows the end", ({ clients }) => void (clients[0]!.samples[3]!.status = "running")],
    ["a client shows nothing", ({ clients }) => void (clients[0]!.samples = [])],
    ["two ways to read it differ", finalWith({ storedText: prefix })],
  ],
  replyIsThere: [
    ["the reply is gone, and nobody deleted it", (evidence) => void (evidence.final = null)],
    ["a deletion is not taken back", (evidence) => void (evidence.undo = "wanted")],
  ],
  oneMessagePerSend: [
    ["the message is there twice", finalWith({ userMessages: 3 })],
    ["it has two replies", finalWith({ replies: 2 })],
  ],
  promptIsThePath: [
    [
      "the model is given another version too",
      ({ requests }) => void requests[0]!.messages.unshift({ role: "user", text: earlier.text }),
    ],
    ["a turn is missing", ({ path }) => void path.unshift({ role: "user", text: earlier.text })],
    ["the reply stands elsewhere", finalWith({ ancestors: ["message", "earlier"] })],
  ],
  earlierVersionsAreUntouched: [
    ["the earlier message is gone", finalWith({ earlier: [] })],
    ["it has another text", finalWith({ earlier: [{ ...earlier, text: "Tell me about bees." }] })],
  ],
  oneDriverPerAttempt: [
    [
      "two callers are given one run",
      ({ posts }) =>
        void posts.push({
          runToken: "b",
          carriesTurn: true,
          hasUnknownFields: false,
          sentAtMs: 900,
          answeredAtMs: 950,
          isOver: false,
          httpStatus: 200,
          attempt: 1,
          liveLength: 0,
          last: null,
        }),
    ],
  ],
  driverIsNotFarAhead: [
    ["a driver has five thousand units more", ({ posts }) => void (posts[0]!.liveLength += 5_000)],
  ],
  endsInTime: [
    ["the run ends a second too late", (evidence) => void (evidence.endedAtMs = 35_000)],
    ["the run never ends", (evidence) => void (evidence.endedAtMs = null)],
  ],
  statusIsTrue: [
    ["complete, but the model was cut", ({ requests }) => void (requests[1]!.state = "cut")],
    ["stopped, but nobody asked", finalWith({ status: "stopped" })],
    ["interrupted after one death", finalWith({ status: "interrupted" })],
    [
      "failed with an object for a message",
      (evidence) => {
        evidence.requests[1]!.state = "cut";
        finalWith({ status: "failed", error: { kind: "unknown", message: "[object Object]" } })(evidence);
      },
    ],
    [
      "failed without a cause",
      finalWith({ status: "failed", error: { kind: "network", message: "The connection broke off." } }),
    ],
  ],
  stopIsTheHoldersOwn: [
    [
      "a stopped reply knows nothing of what it used",
      (evidence) => {
        evidence.stopAskedAtMs = 25_500;
        withoutDeaths(evidence, { status: "stopped", hasUsage: false });
      },
    ],
  ],
  lastWordIsTrue: [["a driver is told that it failed", ({ posts }) => void (posts[0]!.last = "error")]],
  plainTextIsTheReply: [
    ["plain text lacks a word", ({ plainReadings }) => void (plainReadings[0]!.text = "rise")],
    [
      "plain text ends early, and as if it were whole",
      ({ plainReadings }) => void (plainReadings[0]!.end = "whole"),
    ],
    ["a reply that failed ends as if it were done", finalWith({ status: "failed" })],
  ],
  modelIsLetGo: [["the model goes on talking", ({ requests }) => void (requests[1]!.closedAtMs = null)]],
  personIsObeyed: [["a stop is refused", ({ refusals }) => void refusals.push("Error: no")]],
  noRowsLeft: [["a row is left", ({ rowsLeft }) => void (rowsLeft["tails"] = 1)]],
};

test("a scenario in which everything is right breaks no rule", () => {
  expect(brokenRules(goodEvidence())).toEqual([]);
});

test("text that a dead attempt showed too much of may give way once", () => {
  const evidence = goodEvidence();
  const other = `${prefix}And they fall.`;
  evidence.requests[1]!.sentText = other.slice(prefix.length);
  evidence.clients[0]!.samples[3]!.text = other;
  withFinalText(other)(evidence);
  evidence.stored[2]!.persistedLength = other.length;
  expect(brokenRules(evidence)).toEqual([]);
});

test("an exact repetition of what was persisted is no part of the reply", () => {
  const evidence = goodEvidence();
  evidence.requests[1]!.sentText = prefix + whole.slice(prefix.length);
  expect(brokenRules(evidence)).toEqual([]);
  withFinalText(prefix + whole)(evidence);
  expect(brokenRules(evidence).map(({ rule }) => rule)).toContain("finalTextIsWhatWasSent");
});

test("half a character that was there at a stop is replaced, and no whole one is", () => {
  const evidence = goodEvidence();
  const broken = `${whole.slice(0, -3)}\ufffd`;
  evidence.stopAskedAtMs = 25_500;
  evidence.stored[2] = { ...evidence.stored[2]!, status: "stopped", persistedLength: broken.length };
  evidence.clients[0]!.samples[3] = sample(26_500, broken, "stopped", 2);
  withFinalText(broken)(evidence);
  finalWith({ status: "stopped" })(evidence);
  expect(brokenRules(evidence)).toEqual([]);
  const spoiled = broken.replace("moon", "moo\ufffd");
  withFinalText(spoiled)(evidence);
  expect(brokenRules(evidence).map(({ rule }) => rule)).toContain("finalTextIsWhatWasSent");
});

test("a stop before the first new word of a reply that goes on knows nothing of what it used", () => {
  const evidence = { ...goodEvidence(), base: prefix };
  withoutDeaths(evidence, { status: "stopped", hasUsage: false, bodyText: prefix });
  expect(rules.stopIsTheHoldersOwn(evidence)).toEqual([]);
});

test("a silence of the deployment excuses what it can have caused, and nothing else", () => {
  const stopped = goodEvidence();
  stopped.stopAskedAtMs = 25_500;
  withoutDeaths(stopped, { status: "stopped", hasUsage: false });
  const outageAt = (fromMs: number) => [{ fromMs, toMs: fromMs + 2_000 }];
  expect(rules.stopIsTheHoldersOwn({ ...stopped, outages: outageAt(25_000) })).toEqual([]);
  expect(rules.stopIsTheHoldersOwn({ ...stopped, outages: outageAt(5_000) })).not.toEqual([]);

  const late = { ...goodEvidence(), endedAtMs: 35_000 };
  expect(rules.endsInTime({ ...late, outages: outageAt(10_000) })).toEqual([]);
  expect(rules.endsInTime({ ...late, outages: outageAt(500) })).not.toEqual([]);
});

test("text may give way at a stop that was sealed in a silence of the deployment, and at no other", () => {
  const evidence = goodEvidence();
  evidence.stored = evidence.stored.slice(0, 1);
  evidence.stopAskedAtMs = 2_000;
  evidence.endedAtMs = 6_000;
  evidence.clients[0]!.samples = [sample(1_500, shownAhead, "running"), sample(6_000, prefix, "stopped")];
  withoutDeaths(evidence, { status: "stopped", hasUsage: false, bodyText: prefix, storedText: prefix });
  const outage = { fromMs: 2_500, toMs: 5_000 };
  expect(rules.shownTextNeverShrinks({ ...evidence, outages: [outage] })).toEqual([]);
  expect(rules.shownTextNeverShrinks(evidence)).not.toEqual([]);
  finalWith({ hasUsage: true })(evidence);
  expect(rules.shownTextNeverShrinks({ ...evidence, outages: [outage] })).not.toEqual([]);
});

test("a death after the end of a run is none of its deaths", () => {
  const evidence = goodEvidence();
  finalWith({ status: "interrupted" })(evidence);
  const kill = { kind: "kill" as const, stage: "middle" as const, endedAtMs: 30_000 };
  evidence.injected.push({ ...kill, atMs: 20_000 });
  expect(rules.statusIsTrue(evidence)).toEqual([]);
  evidence.injected[1] = { ...kill, atMs: 27_000 };
  expect(rules.statusIsTrue(evidence)).not.toEqual([]);
});

for (const [rule, cases] of Object.entries(spoiled)) {
  test.each(cases)(`${rule} catches that %s`, (_, spoil) => {
    const evidence = goodEvidence();
    spoil(evidence);
    expect(rules[rule as RuleName](evidence)).not.toEqual([]);
  });
}
