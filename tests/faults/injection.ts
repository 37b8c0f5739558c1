/** How each fault is brought about, once its stage has come. What lasts goes on in the background until it is over. */
import { setTimeout as delay } from "node:timers/promises";
import { mintToken } from "../../src/sending/clientTokens.ts";
import type { Conductor } from "./conductor.ts";
import {
  isDeploymentFault,
  isScripted,
  type DeploymentFault,
  type FaultKind,
  type ScriptedFault,
} from "./faultTable.ts";
import type { FaultyLink } from "./faultyLink.ts";
import type { PlannedFault } from "./scenario.ts";
import type { Tab } from "./tab.ts";
import { carries } from "./world.ts";

/** Missed: there was nothing to disturb. A promise: until the fault is over. */
type Outcome = "done" | "missed" | { untilOver: Promise<unknown> };
type Injection = (conductor: Conductor, fault: PlannedFault) => Promise<Outcome> | Outcome;

/** Those of the deployment come from the group's schedule, scripted ones from the message itself. */
type InjectedHere = Exclude<FaultKind, DeploymentFault | ScriptedFault>;

const slowBytesPerSecond = 6_000;
/** For what is expected at once, and does not come where another fault is in the way. */
const soonMs = 1_500;

const turnWithinMs = 5_000;

/** They can happen to a page whose message nobody has answered. */
const nothingOfReply: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "driverReloads",
  "driverStuck",
  "driverReadsSlowly",
  "driverSleeps",
  "siteCut",
  "siteStall",
  "siteAnswerLost",
  "deploymentCut",
  "deploymentStall",
  "sendAnswerLost",
]);

export async function inject(conductor: Conductor, fault: PlannedFault): Promise<void> {
  const { kind, stage } = fault;
  if (isScripted(kind) || isDeploymentFault(kind)) return;
  // A page that does not know yet what became of its message asks again in another way, and then it does.
  if (!nothingOfReply.has(kind)) await conductor.until(() => conductor.turn !== null, turnWithinMs);
  const noted = conductor.note(kind, stage);
  const isPossible = nothingOfReply.has(kind) || conductor.turn !== null;
  const outcome = isPossible ? await injections[kind](conductor, fault) : "missed";
  if (outcome === "missed") {
    conductor.evidence.injected = conductor.evidence.injected.filter((other) => other !== noted);
  } else if (outcome === "done") {
    noted.endedAtMs = Date.now();
  } else {
    noted.endedAtMs = Number.POSITIVE_INFINITY;
    const over = outcome.untilOver
      .catch((error: unknown) => conductor.evidence.refusals.push(String(error)))
      .then(() => (noted.endedAtMs = Date.now()));
    conductor.lasting.push(over);
  }
}

const injections: Record<InjectedHere, Injection> = {
  driverCloses: async ({ driver }) => {
    if (!driver.isOpen) return "missed";
    await driver.close();
    return "done";
  },
  driverReloads: async (conductor, { stage }): Promise<Outcome> => {
    const { driver, turn } = conductor;
    if (!driver.isOpen) return "missed";
    const isCounted = stage !== "beforeSend" || turn !== null || (await answerToSendIsLost(conductor));
    conductor.replacePage();
    await driver.reload(turn);
    conductor.isPageReplaced = true;
    return isCounted ? "done" : "missed";
  },
  driverStuck: ({ driver }) => {
    if (!driver.isOpen) return "missed";
    driver.links.site.hold("down");
    return "done";
  },
  driverReadsSlowly: ({ driver }) => {
    if (!driver.isOpen) return "missed";
    driver.links.site.trickle(slowBytesPerSecond);
    return "done";
  },
  driverPostsTwice: ({ driver }) => {
    const { runToken } = driver;
    if (!driver.isOpen || runToken === null) return "missed";
    return { untilOver: driver.postBesides(runToken, true) };
  },
  secondDriverRaces: async (conductor): Promise<Outcome> => {
    const rival = await openSpectator(conductor);
    return { untilOver: rival.postBesides(mintToken(), false) };
  },
  driverSleeps: ({ driver }, { durationMs }) => {
    if (!driver.isOpen) return "missed";
    driver.sleep();
    return { untilOver: delay(durationMs).then(() => driver.wake()) };
  },
  spectatorJoinsLate: async (conductor): Promise<Outcome> => {
    await conductor.addSpectator();
    return "done";
  },
  spectatorLeavesAndReturns: async (conductor, { durationMs }) => {
    const spectator = await openSpectator(conductor);
    await spectator.close();
    return { untilOver: delay(durationMs).then(() => conductor.addSpectator()) };
  },
  spectatorSocketCut: async (conductor, { durationMs }) => {
    const { deployment } = (await openSpectator(conductor)).links;
    deployment.refuse(true);
    deployment.cut();
    return { untilOver: delay(durationMs).then(() => deployment.refuse(false)) };
  },
  providerStalls: async (conductor, { durationMs }): Promise<Outcome> => {
    if (conductor.requests().at(-1)?.state !== "onHold") return "missed";
    // Before the gate is opened, which lets the model go on.
    await delay(durationMs);
    return "done";
  },
  siteCut: ({ driver }) => {
    if (!driver.isOpen) return "missed";
    // Before the POST there is nothing to cut: it finds nobody, once.
    if (driver.links.site.cut() > 0) return "done";
    driver.links.site.refuse(true);
    return { untilOver: delay(soonMs).then(() => driver.links.site.refuse(false)) };
  },
  siteStall: ({ driver }, { durationMs }) =>
    driver.isOpen ? stall(driver.links.site, durationMs) : "missed",
  siteAnswerLost: ({ driver }, { durationMs }) => {
    if (!driver.isOpen) return "missed";
    const { site } = driver.links;
    site.swallowAnswers();
    return { untilOver: delay(durationMs).then(() => site.cut()) };
  },
  deploymentCut: ({ driver }, { durationMs }) => {
    if (!driver.isOpen) return "missed";
    const { deployment } = driver.links;
    deployment.refuse(true);
    deployment.cut();
    return { untilOver: delay(durationMs).then(() => deployment.refuse(false)) };
  },
  deploymentStall: ({ driver }, { durationMs }) =>
    driver.isOpen ? stall(driver.links.deployment, durationMs) : "missed",
  sendAnswerLost: async (conductor): Promise<Outcome> => {
    const isLost = await answerToSendIsLost(conductor);
    const { deployment, site } = conductor.driver.links;
    deployment.cut();
    site.cut();
    site.resume();
    return isLost ? "done" : "missed";
  },
  providerLinkCut: (conductor) => {
    const count = conductor.world.providerLink.cut(carries(conductor.marker));
    if (count === 0) return "missed";
    conductor.disturbRequests();
    return "done";
  },
  providerLinkStall: (conductor, { durationMs }) => {
    const { providerLink } = conductor.world;
    const chosen = carries(conductor.marker);
    if (providerLink.hold("down", chosen) === 0) return "missed";
    return { untilOver: delay(durationMs).then(() => providerLink.resume(chosen)) };
  },
  providerAnswerLost: (conductor, { durationMs }) => {
    const { providerLink } = conductor.world;
    const chosen = carries(conductor.marker);
    if (providerLink.swallowAnswers(chosen) === 0) return "missed";
    conductor.disturbRequests();
    return { untilOver: delay(durationMs).then(() => providerLink.cut(chosen)) };
  },
  stopFromDriver: async (conductor, fault) => await stop(conductor, conductor.driver, fault),
  stopFromSpectator: async (conductor, fault) => await stop(conductor, await openSpectator(conductor), fault),
  deleteChat: async (conductor) => {
    const deleting = (await openApart(conductor)).deleteChat();
    return { untilOver: deleting.then(() => (conductor.evidence.isDeleted = true)) };
  },
  deleteAndUndo: async (conductor, { durationMs }): Promise<Outcome> => {
    const { evidence } = conductor;
    if (evidence.isDeleted) return "missed";
    const tab = await openApart(conductor);
    evidence.undo = "wanted";
    evidence.stopAskedAtMs ??= Date.now();
    return { untilOver: takeBack(conductor, tab, durationMs) };
  },
};

/** Deleting stops the reply; what was there of it comes back. */
async function takeBack(conductor: Conductor, tab: Tab, durationMs: number): Promise<void> {
  const { evidence } = conductor;
  await tab.deleteChat();
  await delay(durationMs);
  await tab.restoreChat();
  evidence.undo = "done";
}

/** For a while the model stays silent: a stop has to reach it in silence too. */
async function stop(conductor: Conductor, tab: Tab, { durationMs }: PlannedFault): Promise<Outcome> {
  if (!tab.isOpen) return "missed";
  conductor.evidence.stopAskedAtMs ??= Date.now();
  const untilOver = tab.stop();
  await conductor.until(() => conductor.stage() === "after", durationMs);
  return { untilOver };
}

async function openSpectator(conductor: Conductor): Promise<Tab> {
  const chosen = conductor.spectators.find((tab) => tab.isOpen && !apart.has(tab));
  return chosen ?? (await conductor.addSpectator());
}

/** Clients with something to do that no other fault is to keep them from. */
const apart = new WeakSet<Tab>();

async function openApart(conductor: Conductor): Promise<Tab> {
  const tab = await conductor.addSpectator();
  apart.add(tab);
  return tab;
}

function stall(link: FaultyLink, durationMs: number): Outcome {
  link.hold("up");
  link.hold("down");
  return { untilOver: delay(durationMs).then(() => link.resume()) };
}

/** The message comes to the server, and its answer goes nowhere. False where another fault kept it from the server. */
async function answerToSendIsLost(conductor: Conductor): Promise<boolean> {
  const { deployment, site } = conductor.driver.links;
  const isConnected = () => [...deployment.connections].some(({ answered }) => answered > 0);
  await conductor.until(isConnected, soonMs);
  deployment.swallowAnswers();
  // The POST brings the message, where the driver sends as the app does.
  if (conductor.scenario.sending === "post") site.hold("down");
  conductor.openGate("beforeSend");
  return await conductor.hasArrived(soonMs);
}
