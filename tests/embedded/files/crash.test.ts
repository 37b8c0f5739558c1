/**
 * SIGKILL while files come and go: after the restart every upload that was acknowledged is there, byte for byte, every
 * deletion that was acknowledged has happened, no document is without bytes and no bytes are without a document.
 */
import { createHash, randomBytes } from "node:crypto";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startEmbedded, type EmbeddedReady } from "../../support/embeddedDeployment.ts";
import { files, filesOnDisk, upload } from "../../support/filesApp.ts";
import { createFixtureApp, type NotesApp } from "../../support/notesApp.ts";
import { openDice, type Dice } from "../../support/torture/dice.ts";

const rounds = 10;
const workers = 6;

let app: NotesApp;
let dataDir: string;

beforeAll(async () => {
  app = createFixtureApp("files");
  dataDir = `${app.folder}/data`;
  const deployment = await startEmbedded(dataDir, 0, 0);
  await app.push(deployment.ready);
  await deployment.end("SIGTERM");
});
afterAll(() => app.remove());

/** Files that nobody has been told of. */
function bytesUnderWay(): number {
  const { uploads, actions } = filesOnDisk(dataDir);
  return uploads.length + actions.length;
}

/** What the deployment has promised: contents by id, in hexadecimals (actions store these as text), and ids that are gone. */
interface Promised {
  stored: Map<string, string>;
  deleted: Set<string>;
}

/** Stores and deletes until the deployment is gone; a call without an answer promises nothing. */
async function comeAndGo(
  { url }: EmbeddedReady,
  promised: Promised,
  dice: Dice,
  onCall: () => void,
): Promise<void> {
  const client = new ConvexHttpClient(url);
  try {
    for (;;) {
      const content = randomBytes(1 + dice.below(300_000));
      const id =
        dice.below(3) === 0
          ? await client.action(files.storeAndAttach, { text: content.toString("hex") })
          : await upload(await client.mutation(files.uploadUrl, {}), content);
      onCall();
      // Only ours to delete from here on: an unanswered deletion leaves either state.
      if (dice.below(3) > 0) {
        promised.stored.set(id, content.toString("hex"));
        continue;
      }
      await client.mutation(files.remove, { id });
      promised.deleted.add(id);
      onCall();
    }
  } catch {
    return; // it was killed; what it had promised is checked after the restart
  }
}

test(
  `${rounds} kills at random moments lose no file and leave no garbage`,
  { timeout: 120_000 },
  async () => {
    const promised: Promised = { stored: new Map(), deleted: new Set() };
    const dice = openDice("files crash");
    let leftUnderWay = 0;
    for (let round = 0; round < rounds; round++) {
      const deployment = await startEmbedded(dataDir, 0, 0);
      const calls = 5 + dice.below(55);
      const enough = Promise.withResolvers<void>();
      let answered = 0;
      const running = Array.from({ length: workers }, () =>
        comeAndGo(deployment.ready, promised, dice, () => ++answered >= calls && enough.resolve()),
      );
      await Promise.race([enough.promise, Promise.all(running)]);
      // By turns as a call is answered, and while bytes are on their way.
      if (round % 2 === 1) await vi.waitUntil(() => bytesUnderWay() > 0, { interval: 1, timeout: 60_000 });
      await deployment.end("SIGKILL");
      await Promise.all(running);
      expect(answered).toBeGreaterThanOrEqual(calls);
      leftUnderWay += bytesUnderWay();
    }
    // Kills that cut nothing would prove nothing.
    expect(leftUnderWay).toBeGreaterThan(0);
    const deployment = await startEmbedded(dataDir, 0, 0);
    try {
      await expectPromises(deployment.ready, promised);
    } finally {
      await deployment.end("SIGTERM");
    }
  },
);

async function expectPromises({ url }: EmbeddedReady, { stored, deleted }: Promised): Promise<void> {
  const client = new ConvexHttpClient(url);
  const documents = await client.query(files.list, {});
  const ids = new Set(documents.map(({ _id }) => _id));
  expect([...stored.keys()].filter((id) => !ids.has(id))).toEqual([]);
  expect([...deleted].filter((id) => ids.has(id))).toEqual([]);
  expect(stored.size * deleted.size).toBeGreaterThan(0);
  expect(filesOnDisk(dataDir)).toMatchObject({
    stored: { length: documents.length },
    uploads: [],
    actions: [],
  });
  for (const { _id, sha256, size } of documents) {
    const response = await fetch(String(await client.query(files.url, { id: _id })));
    const bytes = Buffer.from(await response.arrayBuffer());
    expect([bytes.length, createHash("sha256").update(bytes).digest("base64")]).toEqual([size, sha256]);
    const content = stored.get(_id);
    expect([undefined, bytes.toString("hex"), bytes.toString()]).toContain(content);
  }
}
