import { afterAll, beforeAll, expect, test } from "vitest";

import { SharedQueries } from "../../../embedded/sync/sharedQueries.ts";
import { appCode, call, EngineFixture, functions, schema } from "../../support/engineFixture.ts";

let fixture: EngineFixture;

beforeAll(async () => {
  fixture = await EngineFixture.with(
    await appCode({
      "schema.ts": schema(`messages: defineTable({ body: v.string(), channel: v.string(), likes: v.number() })
        .searchIndex("search_body", { searchField: "body", filterFields: ["channel"] })`),
      "m.ts": functions(`
        export const add = mutation(async (ctx, fields) => await ctx.db.insert("messages", { likes: 0, ...fields }));
        export const like = mutation(async (ctx, { id }) => await ctx.db.patch(id, { likes: 1 }));
        export const search = query(async (ctx, { text, channel }) =>
          await ctx.db.query("messages").withSearchIndex("search_body", (q) => q.search("body", text).eq("channel", channel)).take(5));
      `),
    }),
  );
});
afterAll(() => fixture.close());

test("a live search is run again when what it finds may have changed, and only then", async () => {
  let runs = 0;
  const live = new SharedQueries<string>((calls) => {
    runs += calls.length;
    return fixture.engine.runQueries(calls);
  }, performance.now.bind(performance));
  fixture.engine.onCommit((commit) => live.onCommit(commit));
  const changed: string[] = [];
  const settle = async (): Promise<number> => {
    const before = runs;
    await live.refresh(fixture.engine.latestTs(), (owner) => changed.push(owner));
    return runs - before;
  };
  for (const channel of ["a", "b"])
    live.subscribe(channel, call("m:search", { text: "deploy fri", channel }));
  expect(await settle()).toBe(2);

  await fixture.mutation("m:add", { body: "nothing of that", channel: "a" });
  expect(await settle()).toBe(0);
  const id = await fixture.mutation("m:add", { body: "No deploys on Friday", channel: "a" });
  expect(await settle()).toBe(1);
  await fixture.mutation("m:add", { body: "Deploy it", channel: "b" });
  expect(await settle()).toBe(1);
  await fixture.mutation("m:like", { id });
  expect(await settle()).toBe(1);
  expect(changed).toEqual(["a", "b", "a", "b", "a"]);
});
