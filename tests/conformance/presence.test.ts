/** The components `@convex-dev/presence` and `@convex-dev/persistent-text-streaming`, unmodified. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

interface Person {
  userId: string;
  online: boolean;
  data?: unknown;
}

interface Tokens {
  roomToken: string;
  sessionToken: string;
}

let app: TestApp;

beforeAll(async () => {
  app = await openApp("packages");
});
afterAll(() => app.close());

describe("presence", () => {
  let roomId: string;
  const enter = (userId: string, sessionId: string, interval = 60_000): Promise<Tokens> =>
    app.mutation<Tokens>("people:heartbeat", {
      roomId,
      userId,
      sessionId: `${roomId} ${sessionId}`,
      interval,
    });
  const fresh = (): string => (roomId = freshName("room"));
  const online = (people: Person[]): string[] =>
    people.filter((person) => person.online).map(({ userId }) => userId);

  test("who sends a heartbeat is in the room, live", async () => {
    fresh();
    const { roomToken } = await enter("ann", "1");
    const seen = watch<Person[]>(app.connect(), "people:list", { roomToken });
    await seen.reached((people) => people.length === 1);
    await enter("bob", "2");
    expect(online(await seen.reached((people) => people.length === 2)).toSorted()).toEqual(["ann", "bob"]);
  });

  test("who disconnects is offline, and stays in the list", async () => {
    fresh();
    const { roomToken, sessionToken } = await enter("ann", "1");
    await enter("bob", "2");
    await app.mutation("people:disconnect", { sessionToken });
    const people = await app.query<Person[]>("people:list", { roomToken });
    expect(people.map(({ userId, online }) => [userId, online])).toEqual([
      ["bob", true],
      ["ann", false],
    ]);
  });

  test("a person with two sessions is offline when both are", async () => {
    fresh();
    const one = await enter("ann", "1");
    const two = await enter("ann", "2");
    await app.mutation("people:disconnect", { sessionToken: one.sessionToken });
    expect(online(await app.query<Person[]>("people:listRoom", { roomId }))).toEqual(["ann"]);
    await app.mutation("people:disconnect", { sessionToken: two.sessionToken });
    expect(online(await app.query<Person[]>("people:listRoom", { roomId }))).toEqual([]);
  });

  test("without further heartbeats the component's worker puts a person offline", async () => {
    fresh();
    const { roomToken } = await enter("ann", "1", 200);
    await enter("bob", "2");
    const seen = watch<Person[]>(app.connect(), "people:list", { roomToken });
    expect(online(await seen.reached((people) => people.some(({ online }) => !online)))).toEqual(["bob"]);
    await enter("ann", "1");
    expect(online(await app.query<Person[]>("people:listRoom", { roomId })).toSorted()).toEqual([
      "ann",
      "bob",
    ]);
  });

  test("data of a person is seen by the others, and a removed room is empty", async () => {
    fresh();
    const { roomToken } = await enter("ann", "1");
    await app.mutation("people:update", { roomId, userId: "ann", data: { typing: true } });
    expect(await app.query("people:list", { roomToken })).toMatchObject([{ data: { typing: true } }]);
    expect(await app.query("people:listUser", { userId: "ann" })).toContainEqual(
      expect.objectContaining({ roomId, online: true }),
    );
    await app.mutation("people:removeRoom", { roomId });
    expect(await app.query("people:listRoom", { roomId })).toEqual([]);
  });

  test("a session belongs to one person and room", async () => {
    fresh();
    await enter("ann", "1");
    await expect(enter("bob", "1")).rejects.toThrow("must be unique for a given room/user");
  });
});

describe("persistent text streaming", () => {
  const write = (streamId: string): Promise<Response> =>
    fetch(`${app.target.siteUrl}/write`, { method: "POST", body: JSON.stringify({ streamId }) });
  const text = "One. Two! Three? and a rest";

  test("the driver reads the stream, everybody else the database, and both have the whole text", async () => {
    const streamId = await app.mutation<string>("streams:create");
    const seen = watch<{ text: string; status: string }>(app.connect(), "streams:body", { streamId });
    await seen.reached(({ status }) => status === "pending");
    expect(await (await write(streamId)).text()).toBe(text);
    expect(await seen.reached(({ status }) => status === "done")).toEqual({ text, status: "done" });
    for (const { text: part } of seen.results) expect(text.startsWith(part)).toBe(true);
  });

  test("a stream is written once: the second driver gets a 205", async () => {
    const streamId = await app.mutation<string>("streams:create");
    await (await write(streamId)).text();
    expect((await write(streamId)).status).toBe(205);
  });
});
