import { expect, test } from "vitest";
import { internal } from "../../convex/_generated/api.js";
import {
  append,
  bodyOf,
  createBackend,
  pass,
  rowsOf,
  runningChat,
  tailOf,
  withDemoModelsAndFakeTime,
} from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

test("text at the persisted length is written", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Hello, ");
  await append(backend, token, 7, "world.");
  expect(await bodyOf(backend, streamId)).toEqual({ text: "Hello, world.", status: "streaming" });
});

test("text that is already there is acknowledged and not written again", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Hello, ");
  const answer = await append(backend, token, 0, "Hello, ");
  expect(answer).toEqual({ stop: false, leaseMs: 15_000 });
  expect((await bodyOf(backend, streamId)).text).toBe("Hello, ");
});

test("a flush that is sent again with more text writes only what is new", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Hello, ");
  await append(backend, token, 0, "Hello, world.");
  expect((await bodyOf(backend, streamId)).text).toBe("Hello, world.");
});

test("a gap is refused and nothing of it is written", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Hello");
  await expect(append(backend, token, 6, "world")).rejects.toMatchObject({ data: { kind: "internal" } });
  expect((await bodyOf(backend, streamId)).text).toBe("Hello");
});

test("a token that is not the run's own writes nothing", async () => {
  const backend = createBackend();
  const { streamId } = await runningChat(backend);
  await expect(append(backend, "another-token", 0, "Hello")).rejects.toMatchObject({
    data: { kind: "runTaken" },
  });
  expect((await bodyOf(backend, streamId)).text).toBe("");
});

test("an append extends the lease by fifteen seconds", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  await pass(backend, 9_000);
  await append(backend, token, 0, "Hello");
  const [run] = await rowsOf(backend, "runs");
  expect(run?.deadline).toBe(Date.now() + 15_000);
});

test("a lease that is less than a second old is not written again", async () => {
  const backend = createBackend();
  const { token } = await runningChat(backend);
  const [before] = await rowsOf(backend, "runs");
  await pass(backend, 900);
  expect(await append(backend, token, 0, "Hello")).toEqual({ stop: false, leaseMs: 14_100 });
  expect(await rowsOf(backend, "runs")).toEqual([before]);
});

test("a heartbeat extends the lease without writing text", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await pass(backend, 9_000);
  const answer = await backend.mutation(internal.runs.heartbeat, { token });
  const [run] = await rowsOf(backend, "runs");
  expect(answer).toEqual({ stop: false, leaseMs: 15_000 });
  expect(run?.deadline).toBe(Date.now() + 15_000);
  expect((await bodyOf(backend, streamId)).text).toBe("");
});

test("the tail holds the last four flushes and its end is the persisted length", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  for (const [index, text] of ["one ", "two ", "three ", "four ", "five "].entries()) {
    await append(backend, token, ["one ", "two ", "three ", "four "].slice(0, index).join("").length, text);
  }
  expect(await tailOf(backend, streamId)).toEqual({
    attempt: 1,
    from: 4,
    text: "two three four five ",
    status: "running",
  });
});

test("a large flush pushes the older ones out of the tail and stays whole itself", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "short ");
  await append(backend, token, 6, "x".repeat(4_000));
  expect(await tailOf(backend, streamId)).toMatchObject({ from: 6, text: "x".repeat(4_000) });
});

test("a component stream of 32,000 characters is closed and the text goes on in the next", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  const page = `${"y".repeat(15_999)} `;
  for (const from of [0, 16_000, 32_000]) {
    await append(backend, token, from, page);
  }
  const streams = await rowsOf(backend, "replyStreams");
  expect(streams.map((stream) => stream.index)).toEqual([0, 1]);
  expect(streams[0]?.streamId).toBe(streamId);
  expect(await bodyOf(backend, streamId)).toEqual({ text: page.repeat(3), status: "streaming" });
});

test("a component stream is left after ten minutes, before the component ends it", async () => {
  const backend = createBackend();
  const { streamId, token } = await runningChat(backend);
  await append(backend, token, 0, "Before. ");
  for (let minute = 0; minute < 10 * 6; minute++) {
    await pass(backend, 10_000);
    await backend.mutation(internal.runs.heartbeat, { token });
  }
  await append(backend, token, 8, "After.");
  expect((await rowsOf(backend, "replyStreams")).length).toBe(2);
  expect((await bodyOf(backend, streamId)).text).toBe("Before. After.");
});
