/** A deployment of the fixture `torture` that is killed and started again, always at the same ports and data folder. */
import { setTimeout as delay } from "node:timers/promises";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference as reference } from "convex/server";
import { spawnEmbedded, type EmbeddedReady } from "../embeddedDeployment.ts";
import type { FixtureApp } from "../notesApp.ts";
import type { StartingService } from "../serviceProcess.ts";
import type { CrashLoad } from "./crashLoad.ts";
import type { Dice } from "./dice.ts";
import type { RecordedPush } from "./recordedPush.ts";
import { Tally } from "./tally.ts";

/** `load`: while clients write. `start`: before it takes requests. `push`, `cliPush`: while code is pushed besides. */
export type CrashMoment = "load" | "start" | "push" | "cliPush";

const generations = ["code:generationHere", "otherCode:generationThere", "code:firstByIndex"].map((name) =>
  reference<"query", Record<string, never>, number>(name),
);

export class CrashingDeployment {
  readonly address: EmbeddedReady;
  /** How long the starts took that came to their end. */
  readonly startsMs: number[] = [];
  /** What the kills met: starts and pushes that they cut, pushes that were faster, generations of code after restarts. */
  readonly met = new Tally();
  readonly #dataFolder: string;
  readonly #ports: [number, number];
  readonly #dice: Dice;
  readonly #app: FixtureApp;
  readonly #pushes: readonly RecordedPush[];
  readonly #cliPushes: Promise<unknown>[] = [];
  /** Of the code that answered after the last restart; the first push is the first generation. */
  #generation = 1;
  #pushKills = 0;
  #process: StartingService<EmbeddedReady>;

  static async start(
    dataFolder: string,
    app: FixtureApp,
    pushes: readonly RecordedPush[],
    dice: Dice,
  ): Promise<CrashingDeployment> {
    const process = spawnEmbedded(dataFolder, 0, 0);
    const address = await process.ready;
    await pushes[0]?.send(address);
    return new CrashingDeployment(process, address, { dataFolder, app, pushes, dice });
  }

  private constructor(
    process: StartingService<EmbeddedReady>,
    address: EmbeddedReady,
    {
      dataFolder,
      app,
      pushes,
      dice,
    }: { dataFolder: string; app: FixtureApp; pushes: readonly RecordedPush[]; dice: Dice },
  ) {
    this.#process = process;
    this.address = address;
    this.#ports = [Number(new URL(address.url).port), Number(new URL(address.siteUrl).port)];
    this.#dataFolder = dataFolder;
    this.#app = app;
    this.#pushes = pushes;
    this.#dice = dice;
  }

  /** Resolves when the process is gone. */
  async killAt(moment: CrashMoment, load: CrashLoad): Promise<void> {
    await this.#reach(moment, load);
    load.deploymentIsDown();
    await this.#process.end("SIGKILL");
  }

  /** Resolves when it takes requests again, with the generations that its modules are of. */
  async restart(): Promise<number[]> {
    const startedAtMs = performance.now();
    this.#process = this.#spawn();
    await this.#process.ready;
    this.startsMs.push(performance.now() - startedAtMs);
    const client = new ConvexHttpClient(this.address.url, { logger: false });
    const found = await Promise.all(generations.map((query) => client.query(query, {})));
    this.#generation = found[0]!;
    this.met.count(`generation ${this.#generation}`);
    return found;
  }

  /** Ends it in order. */
  async end(): Promise<void> {
    await this.#process.end("SIGTERM");
  }

  /** Pushes of the CLI that outlived a crash. */
  async pushesEnded(): Promise<void> {
    await Promise.all(this.#cliPushes);
  }

  async #reach(moment: CrashMoment, load: CrashLoad): Promise<void> {
    const dice = this.#dice;
    switch (moment) {
      case "load":
        await load.acknowledgments(dice.below(30));
        return await delay(dice.below(10));
      case "start":
        load.deploymentIsDown();
        await this.#process.end("SIGKILL");
        await this.#spawnAndReach(dice.next() * (this.startsMs.at(-1) ?? 400));
        return;
      case "push":
        return await this.#pushAndReach(load);
      case "cliPush":
        this.#cliPushes.push(
          this.#app.convex(this.address, "deploy", "--typecheck", "disable", "--codegen", "disable"),
        );
        return await delay(dice.below(2_000));
      default:
        moment satisfies never;
    }
  }

  /** While other code than the present one is prepared, while it is installed, or right after, by turns. */
  async #pushAndReach(load: CrashLoad): Promise<void> {
    const prepared = Promise.withResolvers<void>();
    const pushed = this.#otherPush.send(this.address, prepared.resolve).then(
      (isInstalled) => this.met.count(isInstalled ? "push installed" : "push refused"),
      () => this.met.count("push cut"),
    );
    await load.acknowledgments(1);
    const turn = this.#pushKills++ % 3;
    if (turn === 0) return await delay(this.#dice.below(100));
    await Promise.race([prepared.promise, pushed]);
    const others = turn === 1 ? [load.acknowledgments(this.#dice.below(20))] : [];
    await Promise.race([pushed, ...others]);
  }

  get #otherPush(): RecordedPush {
    return this.#pushes[this.#generation % this.#pushes.length]!;
  }

  /** Before it is ready, or a little later. */
  async #spawnAndReach(afterMs: number): Promise<void> {
    this.#process = this.#spawn();
    let isReady = false;
    this.#process.ready.then(
      () => (isReady = true),
      () => undefined, // it was killed before
    );
    await delay(afterMs);
    this.met.count(isReady ? "start ended" : "start cut");
  }

  #spawn(): StartingService<EmbeddedReady> {
    return spawnEmbedded(this.#dataFolder, ...this.#ports);
  }
}
