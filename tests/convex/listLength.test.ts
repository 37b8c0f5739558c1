import { expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { createBackend, createChat, withDemoModelsAndFakeTime } from "../support/convexBackend.ts";

withDemoModelsAndFakeTime();

test.each([
  [-3, 1],
  [0, 1],
  [1.9, 1],
  [Number.POSITIVE_INFINITY, 2],
])("a list asked for %d rows gives %d of two", async (limit, length) => {
  const backend = createBackend();
  const { chatId } = await createChat(backend, "One");
  await createChat(backend, "Two");
  expect(await backend.query(api.chats.listChats, { limit })).toHaveLength(length);
  expect(await backend.query(api.messages.list, { chatId, limit })).toHaveLength(length);
});

test("a limit that is no number is refused, with the limits", async () => {
  const backend = createBackend();
  const { chatId } = await createChat(backend, "One");
  const refusal = { data: { kind: "invalidInput", field: "limit" } };
  await expect(backend.query(api.chats.listChats, { limit: Number.NaN })).rejects.toMatchObject(refusal);
  await expect(backend.query(api.messages.list, { chatId, limit: Number.NaN })).rejects.toMatchObject(
    refusal,
  );
});
