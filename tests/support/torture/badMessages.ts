/**
 * Sync messages that no client of good will sends, in sequences that get somewhere: most begin with a Connect, and most
 * messages fit the versions that those before them have made, but for what is odd in them.
 */
import type { Dice } from "./dice.ts";
import { mangled, nastyJson, nastyValue, spoiled } from "./nastyValues.ts";

type Message = Record<string, unknown> & { type: string };

/** What a server that took all messages so far would expect next. */
interface Progress {
  querySet: number;
  identity: number;
  requestId: number;
}

const shared = "1f7e3c1e-0000-4000-8000-00000000bad0";
export const connectMessage: Message = {
  type: "Connect",
  sessionId: shared,
  connectionCount: 0,
  lastCloseReason: null,
  clientTs: 0,
  maxObservedTimestamp: "AAAAAAAAAAA=",
};

const oddNumbers = [-1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300, null, "0", true];
/** Well formed: the function says what is wrong with them. */
const oddPaths = [
  "notes:secretCount",
  "notes:nothing",
  "nothing:list",
  "notes.js:list",
  "notes",
  "http:default",
];
const oddArgs = [
  [{}],
  [{ board: 1 }],
  [{ board: "bad", more: 1 }],
  [{ board: { $integer: "AAAA" } }],
  [{ __proto__: 1 }],
];
/** Not: the session ends. */
const brokenArgs = [[], [{}, {}], [null], [[{}]], {}, null];

const oddJournals = [null, "", "null", "{", '{"endCursor":{}}', "x".repeat(10_000), 7];
const components = ["", undefined, "persistentTextStreaming", "ledger", "../", null];

/** Whatever the dice say: oftener than not, in the order in which a client would send it. */
export function badMessages(dice: Dice): Buffer[] {
  const progress = { querySet: 0, identity: 0, requestId: 0 };
  const messages = dice.chance(0.9) ? [connect(dice)] : [];
  for (let count = 1 + dice.below(6); count > 0; count--) messages.push(nextMessage(progress, dice));
  return messages.map((message) => {
    if (dice.chance(0.02)) return mangled(nastyJson(nastyValue(dice)), dice);
    const text = nastyJson(dice.chance(0.08) ? spoiled(message, dice) : message);
    return dice.chance(0.06) ? mangled(text, dice) : Buffer.from(text);
  });
}

/** Half of the sessions go under one name, at once and one after another. */
function connect(dice: Dice): Message {
  const ownId = `1f7e3c1e-0000-4000-8000-${String(dice.below(1e12)).padStart(12, "0")}`;
  const odd = {
    connectionCount: dice.pick(oddNumbers),
    lastCloseReason: dice.pick([null, "InitialConnect", {}, "x".repeat(5_000)]),
    clientTs: dice.pick([...oddNumbers, Date.now()]),
    maxObservedTimestamp: dice.pick([undefined, null, "AAAAAAAAAAA=", "AAAAAAAAAAA=", "//////////8="]),
  };
  return {
    ...connectMessage,
    sessionId: dice.chance(0.5) ? shared : ownId,
    ...(dice.chance(0.3) ? odd : {}),
  };
}

function nextMessage(progress: Progress, dice: Dice): Message {
  const throwOfDice = dice.next();
  if (throwOfDice < 0.4) return modifyQuerySet(progress, dice);
  if (throwOfDice < 0.7) return call("Mutation", "notes:add", progress, dice);
  if (throwOfDice < 0.8) return call("Action", "notes:shout", progress, dice);
  if (throwOfDice < 0.9) return authenticate(progress, dice);
  if (throwOfDice < 0.98) return { type: "Event", eventType: nastyValue(dice), event: nastyValue(dice) };
  return dice.pick([connectMessage, { type: "Pong" }, { type: "Transition" }, { type: "" }]);
}

/** Ids come twice, are taken out unknown, and are as large as they may be. */
function modifyQuerySet(progress: Progress, dice: Dice): Message {
  const count = dice.chance(0.05) ? 300 : dice.below(4);
  const modifications = Array.from({ length: count }, () => {
    const queryId = dice.chance(0.05)
      ? dice.pick(oddNumbers)
      : dice.pick([0, 1, 2, dice.below(1_000), 2 ** 53 - 1]);
    return dice.chance(0.3) ? { type: "Remove", queryId } : { type: "Add", queryId, ...watch(dice) };
  });
  const baseVersion = dice.chance(0.05) ? progress.querySet + dice.pick([-1, 1, 5]) : progress.querySet;
  const newVersion =
    baseVersion + (dice.chance(0.95) ? dice.pick([1, 1, 2, 1_000, 2 ** 40]) : dice.pick([0, -1]));
  progress.querySet = newVersion;
  return { type: "ModifyQuerySet", baseVersion, newVersion, modifications };
}

function watch(dice: Dice): Record<string, unknown> {
  return {
    udfPath: dice.chance(0.8) ? "notes:list" : dice.pick(oddPaths),
    args: args(dice, { board: dice.pick(["bad", "worse"]) }),
    journal: dice.chance(0.8) ? null : dice.pick(oddJournals),
    componentPath: dice.chance(0.8) ? "" : dice.pick(components),
  };
}

/** Request ids go backwards, and come again. */
function call(type: "Mutation" | "Action", path: string, progress: Progress, dice: Dice): Message {
  const requestId = dice.chance(0.85)
    ? progress.requestId++
    : dice.pick([0, progress.requestId, 2 ** 32, 2 ** 53 - 1]);
  return {
    type,
    requestId: dice.chance(0.02) ? dice.pick(oddNumbers) : requestId,
    udfPath: dice.chance(0.8) ? path : dice.pick([...oddPaths, "notes:list", "notes:add"]),
    args: args(dice, { board: "bad", text: dice.pick(["x", "", "\u{1f600}"]) }),
    ...(dice.chance(0.2) ? { componentPath: dice.pick(components), mutationType: nastyValue(dice) } : {}),
  };
}

function args(dice: Dice, good: Record<string, unknown>): unknown {
  const throwOfDice = dice.next();
  return throwOfDice < 0.8 ? [good] : dice.pick<unknown>(throwOfDice < 0.98 ? oddArgs : brokenArgs);
}

function authenticate(progress: Progress, dice: Dice): Message {
  const baseVersion = dice.chance(0.1)
    ? dice.pick([progress.identity + 1, -1, 2 ** 40])
    : progress.identity++;
  const token = dice.chance(0.7)
    ? { tokenType: "None" }
    : dice.pick<Record<string, unknown>>([
        { tokenType: "User", value: "a.b.c" },
        { tokenType: "User", value: `${"e".repeat(70_000)}.e30.x` },
        { tokenType: "User" },
        { tokenType: "Admin", value: "embedded|0", impersonating: { name: "x" } },
        { tokenType: "Admin", value: "" },
        { tokenType: "toString", value: "" },
      ]);
  return { type: "Authenticate", baseVersion, ...token };
}

/** Adds more queries than a page has, or the same one again and again. */
export function giantQuerySet(count: number, sameId: boolean): Buffer[] {
  const modifications = Array.from({ length: count }, (_, queryId) => ({
    type: "Add",
    queryId: sameId ? 0 : queryId,
    udfPath: "notes:list",
    args: [{ board: `board ${queryId}` }],
    journal: null,
  }));
  const modify = { type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications };
  return [connectMessage, modify].map((message) => Buffer.from(JSON.stringify(message)));
}

/** One query set that is changed again and again, faster than its queries run. */
export function restlessQuerySet(changes: number): Buffer[] {
  const messages = Array.from({ length: changes }, (_, version) => ({
    type: "ModifyQuerySet",
    baseVersion: version,
    newVersion: version + 1,
    modifications: [
      { type: "Remove", queryId: version - 1 < 0 ? 0 : version - 1 },
      {
        type: "Add",
        queryId: version,
        udfPath: "notes:list",
        args: [{ board: `board ${version % 7}` }],
        journal: null,
      },
    ],
  }));
  return [connectMessage, ...messages].map((message) => Buffer.from(JSON.stringify(message)));
}
