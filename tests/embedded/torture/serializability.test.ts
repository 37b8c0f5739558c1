/** Random transfers and queries of many clients, with cut connections: one serial order explains everything that was told. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDeployment, type Deployment } from "../../../embedded/deployment.ts";
import { cutConnections, startCuttingProxies, type CuttingProxies } from "../../support/cuttingProxy.ts";
import { createFixtureApp, type FixtureApp } from "../../support/notesApp.ts";
import {
  BankRecord,
  BankSession,
  journalOf,
  openBank,
  openingBalance,
  workOverHttp,
} from "../../support/torture/bankClients.ts";
import { historyFaults, type BankHistory } from "../../support/torture/bankHistory.ts";
import { openDice } from "../../support/torture/dice.ts";

const sessionCount = 5;
const transfersOfSession = 80;
const stepsOverHttp = 120;

let app: FixtureApp;
let deployment: Deployment;
let proxies: CuttingProxies;
let history: BankHistory;
/** The official clients reconnect at once when the browser's window says that it is online again. */
const browserWindow = new EventTarget();

beforeAll(async () => {
  Object.assign(globalThis, { window: browserWindow });
  app = createFixtureApp("torture");
  deployment = await startDeployment({ dataDir: `${app.folder}/data`, port: 0, sitePort: 0 });
  await app.push(deployment);
  proxies = await startCuttingProxies(Array.from({ length: sessionCount }, () => deployment.url));
});

afterAll(async () => {
  Reflect.deleteProperty(globalThis, "window");
  await proxies.close();
  await deployment.close();
  app.remove();
});

test(
  "a serial order by commit explains every result, and no subscription goes back, tears or ends stale",
  { timeout: 120_000 },
  async () => {
    const dice = openDice("serializability");
    await openBank(deployment.url);
    const record = new BankRecord(dice);
    const sessions = proxies.urls.map((url, index) => new BankSession(`session ${index}`, url, record, dice));
    const work = { isDone: false };
    let cuts = 0;
    const cutting = (async () => {
      while (!work.isDone) {
        const seen = record.transfers.length;
        await expect
          .poll(() => work.isDone || record.transfers.length > seen + 15, { timeout: 60_000 })
          .toBe(true);
        await cutConnections(proxies.controlUrl, new URL(dice.pick(proxies.urls)).host);
        browserWindow.dispatchEvent(new Event("online"));
        cuts += 1;
      }
    })();
    await Promise.all([
      ...sessions.map((session) => session.work(transfersOfSession)),
      workOverHttp(deployment.url, stepsOverHttp, record, dice),
      workOverHttp(deployment.url, stepsOverHttp, record, dice),
    ]);
    work.isDone = true;
    await cutting;
    expect(cuts).toBeGreaterThan(5);
    const journal = await journalOf(deployment.url);
    await Promise.all(sessions.map((session) => session.catchUp(journal.length)));
    const streams = sessions.map(({ stream }) => stream);
    for (const session of sessions) await session.close();
    const { transfers, readings } = record;
    history = { openingBalance, transfers, readings, streams, journal };
    expect(historyFaults(history)).toEqual([]);
  },
);

test.each<[string, (history: BankHistory) => BankHistory, string]>([
  [
    "a lost update",
    (whole) => ({
      ...whole,
      transfers: whole.transfers.map((one, index) =>
        index === 100
          ? { ...one, done: { ...one.done, fromBefore: one.done.fromBefore + one.transfer.amount } }
          : one,
      ),
    }),
    "which had",
  ],
  [
    "a transfer that was told and is not stored",
    (whole) => ({ ...whole, journal: whole.journal.filter(({ number }) => number !== 50) }),
    "is stored as undefined",
  ],
  [
    "a transfer applied twice",
    (whole) => ({
      ...whole,
      journal: [...whole.journal, { number: whole.journal.length + 1, key: whole.journal[9]!.key }],
    }),
    "applied twice",
  ],
  [
    "a dirty read",
    (whole) => ({
      ...whole,
      readings: [
        {
          who: "reader",
          rows: [{ group: "a", name: "one", balance: 1, version: whole.journal.length + 1 }],
          notBefore: 0,
        },
      ],
    }),
    "never was",
  ],
  [
    "a stale read",
    (whole) => ({
      ...whole,
      readings: [
        {
          ...whole.readings[0]!,
          rows: whole.streams[0]!.states.find((rows) => rows.length > 0)!,
          notBefore: whole.journal.length,
        },
      ],
    }),
    "had been acknowledged",
  ],
  [
    "a stale final state",
    (whole) => withStream(whole, (states) => states.slice(0, -20)),
    "ends on a stale state",
  ],
  [
    "a subscription that goes back",
    (whole) => withStream(whole, (states) => [...states, states.at(-40)!, states.at(-1)!]),
    ": back to",
  ],
  [
    "a torn transition",
    (whole) =>
      withStream(whole, (states) => {
        const half = states.at(-1)!.length >> 1;
        return [
          ...states.slice(0, -1),
          [...states.at(-1)!.slice(0, half), ...states.at(-60)!.slice(half)],
          states.at(-1)!,
        ];
      }),
    ": torn",
  ],
])("the checker sees %s", (_what, plant, sentence) => {
  expect(historyFaults(plant(history)).join("\n")).toContain(sentence);
});

function withStream(
  whole: BankHistory,
  change: (states: BankHistory["streams"][0]["states"]) => BankHistory["streams"][0]["states"],
): BankHistory {
  return { ...whole, streams: whole.streams.map((stream) => ({ ...stream, states: change(stream.states) })) };
}
