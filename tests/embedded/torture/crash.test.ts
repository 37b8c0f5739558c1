/** SIGKILL at random moments under a load of writes: what was acknowledged is there, once, and nothing is there by halves. */
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDeployment } from "../../../embedded/deployment.ts";
import { watchQuery } from "../../support/liveNotes.ts";
import { createFixtureApp, type FixtureApp } from "../../support/notesApp.ts";
import { CrashingDeployment, type CrashMoment } from "../../support/torture/crashingDeployment.ts";
import { CrashLoad, work } from "../../support/torture/crashLoad.ts";
import {
  endsOfJobs,
  faultsAfterCrash,
  jobsUnderWay,
  pendingIndexes,
} from "../../support/torture/crashRules.ts";
import { openDice, type Dice } from "../../support/torture/dice.ts";
import { recordPush, type RecordedPush } from "../../support/torture/recordedPush.ts";
import { StoredState } from "../../support/torture/storedState.ts";

const kills = Number(process.env["TORTURE_KILLS"] ?? 100);

const firstCliPush = 12;
/** Of a hundred kills. */
const floors = {
  "applied unheard": 10,
  acknowledged: 100,
  refused: 5,
  "start cut": 1,
  "push cut": 1,
  "push installed": 2,
  "generation 1": 1,
  "generation 2": 1,
  "mutation success": 50,
  "mutation canceled": 5,
  "action success": 10,
  "action failed": 1,
};

let app: FixtureApp;
const pushes: RecordedPush[] = [];
let dataFolder: string;
let lastLoad: CrashLoad | null = null;
/** The official clients reconnect at once when the browser's window says that it is online again. */
const browserWindow = new EventTarget();

beforeAll(async () => {
  Object.assign(globalThis, { window: browserWindow });
  app = createFixtureApp("torture");
  dataFolder = `${app.folder}/data`;
  for (const generation of [1, 2]) {
    setGeneration(generation);
    const deployment = await startDeployment({
      dataDir: `${app.folder}/generation${generation}`,
      port: 0,
      sitePort: 0,
    });
    pushes.push(await recordPush(app, deployment));
    await deployment.close();
  }
}, 180_000);

afterAll(() => {
  Reflect.deleteProperty(globalThis, "window");
  app.remove();
});

/** The app with another constant in every module, another index and another cron. */
function setGeneration(generation: number): void {
  for (const name of ["code.ts", "otherCode.ts", "schema.ts", "crons.ts"]) {
    const text = app.readFile(`convex/${name}`);
    app.writeFile(`convex/${name}`, text.replaceAll(/(generation(?:_| = | ))\d/g, `$1${generation}`));
  }
}

function momentOf(kill: number, dice: Dice): CrashMoment {
  if (kill % 25 === firstCliPush) return "cliPush";
  const throwOfDice = dice.next();
  return throwOfDice < 0.2 ? "start" : throwOfDice < 0.4 ? "push" : "load";
}

function crashed<Result>(read: (state: StoredState) => Result): Result {
  return reading(StoredState.ofCrashed(dataFolder), read);
}

function reading<Result>(state: StoredState, read: (state: StoredState) => Result): Result {
  try {
    return read(state);
  } finally {
    state.close();
  }
}

function goOnline(): void {
  browserWindow.dispatchEvent(new Event("online"));
}

test(
  `after each of ${kills} SIGKILLs nothing is lost, doubled or halved, and the clients agree`,
  { timeout: 600_000 },
  async () => {
    const dice = openDice("crash");
    const deployment = await CrashingDeployment.start(dataFolder, app, pushes, dice);
    const load = new CrashLoad(deployment.address.url, dice);
    const { met } = deployment;
    for (let kill = 0; kill < kills; kill++) {
      load.deploymentIsUp();
      if (dice.chance(0.7)) goOnline();
      const moment = momentOf(kill, dice);
      await deployment.killAt(moment, load);
      met.count(moment);
      expect([moment, ...crashed((state) => faultsAfterCrash(state, load))]).toEqual([moment]);
      met.count("index pending", crashed(pendingIndexes).length);
      met.count("applied unheard", crashed((state) => appliedUnheard(state, load)).length);
      expect(new Set(await deployment.restart()).size).toBe(1);
      // A push of the CLI may have begun anew.
      const onTheirWay =
        kill < firstCliPush ? reading(StoredState.ofRunning(dataFolder), pendingIndexes) : [];
      expect(onTheirWay).toEqual([]);
    }

    load.deploymentIsUp();
    goOnline();
    await Promise.all([load.stop(), deployment.pushesEnded()]);
    expect(load.openKeys).toEqual([]);
    await expect
      .poll(() => reading(StoredState.ofRunning(dataFolder), jobsUnderWay), {
        interval: 200,
        timeout: 300_000,
      })
      .toBe(0);
    await expectAgreement(load, deployment.address.url);
    await load.close();
    await deployment.end();
    expect([...load.faults, ...crashed((state) => faultsAfterCrash(state, load))]).toEqual([]);
    lastLoad = load;
    for (const [end, times] of crashed(endsOfJobs)) met.count(end, times);
    met.count("acknowledged", load.acknowledged.size);
    met.count("refused", load.refused.size);
    console.log(`crash: ${met.text} starts in ${middle(deployment.startsMs)} ms`);
    // Kills that hit nothing would prove nothing.
    expect(met.tooRare(kills < 100 ? {} : floors)).toEqual([]);
  },
);

const documentsOf = (table: string): string =>
  `table_number = (SELECT number FROM tables WHERE component = '' AND name = '${table}')`;
const oneOf = (table: string): string =>
  `rowid = (SELECT MAX(rowid) FROM documents WHERE ${documentsOf(table)})`;
const copyOfOne = (table: string): string =>
  `INSERT INTO documents (table_number, id_key, bytes, json) SELECT table_number, id_key || x'01', bytes, json FROM documents WHERE ${oneOf(table)}`;

test.each([
  ["a lost operation", `DELETE FROM documents WHERE ${documentsOf("ops")}`, "acknowledged and is not there"],
  ["an operation applied twice", copyOfOne("ops"), "was applied 2 times"],
  ["a half operation", `DELETE FROM documents WHERE ${oneOf("parts")}`, "parts"],
  [
    "a wrong total",
    `UPDATE documents SET json = json_set(json, '$.count', 0) WHERE ${oneOf("totals")}`,
    "total of 0",
  ],
  [
    "a missing index entry",
    "DELETE FROM index_entries WHERE key = (SELECT MAX(key) FROM index_entries)",
    "do not match",
  ],
  ["a scheduled mutation that ran twice", copyOfOne("marks"), "done 2 times"],
  ["an action that ran twice", copyOfOne("phases"), "and did"],
  ["a job that would run again", "UPDATE scheduled_jobs SET state = 'pending'", "row says pending"],
  ["a clock that went back", "UPDATE clock SET last_ts = 1", "and the newest durable commit is 1"],
  ["half a push", "UPDATE crons SET name = 'tick of generation 9'", "are of several pushes"],
  [
    "a cron tick that is lost",
    `DELETE FROM documents WHERE ${documentsOf("ticks")} AND json_extract(json, '$.tick') = 1`,
    "ticks are not",
  ],
])("the rules see %s", (_what, sql, sentence) => {
  const faults = crashed((state) => {
    state.spoil(sql);
    return faultsAfterCrash(state, lastLoad!);
  });
  expect(faults.join("\n")).toContain(sentence);
});

/** Applied, and killed before the client was told. */
function appliedUnheard(state: StoredState, load: CrashLoad): string[] {
  const open = new Set(load.openKeys);
  return state.documents("", "ops").flatMap(({ key }) => (open.has(String(key)) ? [String(key)] : []));
}

/** Every client's live result becomes the one that a new client is told. */
async function expectAgreement(load: CrashLoad, url: string): Promise<void> {
  const expected = JSON.stringify(await new ConvexHttpClient(url).query(work.totals, {}));
  const watches = load.sockets.map((client) => watchQuery(client, work.totals, {}));
  await Promise.all(watches.map((watch) => watch.reached((totals) => JSON.stringify(totals) === expected)));
}

function middle(numbers: readonly number[]): number {
  return Math.round(numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0);
}
