import { expect, test } from "vitest";
import { seedReply } from "../../convex/model/replySeed.ts";
import {
  append,
  bodyOf,
  claim,
  createBackend,
  createChat,
  finish,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";
import type { Backend } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

async function seededChat(backend: Backend, text: string) {
  const chat = await createChat(backend);
  await backend.run(async (ctx) => await seedReply(ctx, chat.streamId, text));
  return chat;
}

test("a reply that begins with a text shows it before anybody has claimed its run", async () => {
  const backend = createBackend();
  const { streamId } = await seededChat(backend, "So far ");
  expect(await bodyOf(backend, streamId)).toEqual({ text: "So far ", status: "pending" });
  expect(await tailOf(backend, streamId)).toMatchObject({ from: 7, text: "", status: "queued" });
});

test("its first claim answers the text, and what is written stands behind it", async () => {
  const backend = createBackend();
  const { streamId } = await seededChat(backend, "So far ");
  const run = await claim(backend, { streamId, token: "mine" });
  expect(run).toMatchObject({ attempt: 1, persistedText: "So far " });
  await append(backend, "mine", 7, "so good.");
  await finish(backend, "mine", "So far so good.");
  expect(await bodyOf(backend, streamId)).toEqual({ text: "So far so good.", status: "done" });
});

test("its driver may repeat the claim until something was written behind the text", async () => {
  const backend = createBackend();
  const { streamId } = await seededChat(backend, "So far ");
  await claim(backend, { streamId, token: "first", driverToken: "driver" });
  const again = await claim(backend, { streamId, token: "second", driverToken: "driver" });
  expect(again.persistedText).toBe("So far ");
  await append(backend, "second", 7, "so good.");
  const late = claim(backend, { streamId, token: "third", driverToken: "driver" });
  await expect(late).rejects.toMatchObject({ data: { kind: "runTaken" } });
});

test("a long text is spread over streams of 32 kB, and no character is cut", async () => {
  const backend = createBackend();
  const text = `a${"😀".repeat(50_000)}`;
  const { streamId } = await seededChat(backend, text);
  const streams = await rowsOf(backend, "replyStreams");
  expect(streams.map((stream) => stream.index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect((await bodyOf(backend, streamId)).text === text).toBe(true);
  await claim(backend, { streamId, token: "mine" });
  await append(backend, "mine", text.length, "!");
  expect((await bodyOf(backend, streamId)).text === `${text}!`).toBe(true);
});

test("a run that has begun takes no text to begin with", async () => {
  const backend = createBackend();
  const { streamId } = await runningChat(backend);
  const seeding = backend.run(async (ctx) => await seedReply(ctx, streamId, "So far "));
  await expect(seeding).rejects.toMatchObject({ data: { kind: "internal" } });
});
