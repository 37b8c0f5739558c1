/**
 * Random queries beside random writes: a result that changed was touched by the commit that changed it, and one whose documents are
 * elsewhere was not. What a query reads is not computed here: the query is run again after every commit.
 */
import { expect, onTestFinished, test } from "vitest";
import type { Commit, QueryRun } from "../../../embedded/protocol/engine.ts";
import { appCode, call, EngineFixture, functions, schema, valueOf } from "../../support/engineFixture.ts";
import { openDice, type Dice } from "../../support/torture/dice.ts";

const app = {
  "schema.ts": schema(`
    rows: defineTable({ chat: v.string(), n: v.union(v.number(), v.null(), v.string()), text: v.string() })
      .index("by_chat", ["chat", "n"]).index("by_text", ["text"])`),
  "m.ts": functions(`
    const ranged = (ctx, { index, eq, lower, upper, order, minText }) => {
      const rows = ctx.db.query("rows").withIndex(index, (q) => {
        const field = index === "by_chat" ? "n" : "text";
        let range = index === "by_chat" ? q.eq("chat", eq) : q;
        if (lower !== undefined) range = range[lower.op](field, lower.value);
        if (upper !== undefined) range = range[upper.op](field, upper.value);
        return range;
      }).order(order);
      return minText === undefined ? rows : rows.filter((q) => q.gte(q.field("text"), minText));
    };
    export const look = query(async (ctx, args) => {
      const rows = ranged(ctx, args);
      if (args.take === undefined) return await rows.collect();
      return args.paged ? await rows.paginate({ numItems: args.take, cursor: null }) : await rows.take(args.take);
    });
    export const get = query(async (ctx, { id }) => await ctx.db.get(id));
    export const add = mutation(async (ctx, row) => await ctx.db.insert("rows", row));
    export const edit = mutation(async (ctx, { id, row }) => await ctx.db.patch(id, row));
    export const replace = mutation(async (ctx, { id, row }) => await ctx.db.replace(id, row));
    export const remove = mutation(async (ctx, { id }) => await ctx.db.delete(id));
  `),
};

const chats = ["", "a", "a\0", "b"];
const texts = ["", "k", "m", "z"];
const numbers = [null, -1, 0, 1, 1.5, 2, 3, "", "s"];

function randomRow(dice: Dice): Record<string, unknown> {
  return { chat: dice.pick(chats), n: dice.pick(numbers), text: dice.pick(texts) };
}

function randomQuery(dice: Dice, ids: readonly string[]): [name: string, args: unknown] {
  if (ids.length > 0 && dice.chance(0.2)) return ["m:get", { id: dice.pick(ids) }];
  const index = dice.pick(["by_chat", "by_text"]);
  const values: unknown[] = index === "by_chat" ? numbers : texts;
  return [
    "m:look",
    {
      index,
      eq: dice.pick(chats),
      order: dice.pick(["asc", "desc"]),
      ...(dice.chance(0.5) ? { lower: { op: dice.pick(["gt", "gte"]), value: dice.pick(values) } } : {}),
      ...(dice.chance(0.5) ? { upper: { op: dice.pick(["lt", "lte"]), value: dice.pick(values) } } : {}),
      ...(dice.chance(0.5) ? { take: 1 + dice.below(3), paged: dice.chance(0.4) } : {}),
      ...(dice.chance(0.3) ? { minText: dice.pick(texts) } : {}),
    },
  ];
}

interface Live {
  query: [name: string, args: unknown];
  run: QueryRun;
}

test("a result that a commit changed was touched by it; most of the others were not", async () => {
  const dice = openDice("read sets");
  const fixture = await EngineFixture.with(await appCode(app));
  onTestFinished(() => fixture.close());
  const ids: string[] = [];
  const commits: Commit[] = [];
  fixture.engine.onCommit((commit) => commits.push(commit));
  const runOf = async (query: Live["query"]): Promise<QueryRun> =>
    (await fixture.engine.runQueries([call(...query)]))[0]!;
  const write = async (): Promise<string> => {
    const id = ids.length > 4 ? dice.pick(ids) : undefined;
    if (id === undefined || dice.chance(0.35)) {
      ids.push(String(await fixture.mutation("m:add", randomRow(dice))));
      return "add";
    }
    const name = dice.pick(["edit", "edit", "replace", "remove"]);
    if (name === "remove") ids.splice(ids.indexOf(id), 1);
    const row = name === "edit" && dice.chance(0.5) ? { text: dice.pick(texts) } : randomRow(dice);
    await fixture.mutation(`m:${name}`, name === "remove" ? { id } : { id, row });
    return name;
  };

  const lives: Live[] = [];
  const tally = { changed: 0, needless: 0, untouched: 0 };
  for (let step = 0; step < 120; step += 1) {
    const query = randomQuery(dice, ids);
    lives.splice(dice.below(20), lives.length < 20 ? 0 : 1, { query, run: await runOf(query) });
    commits.length = 0;
    const wrote = await write();
    expect(commits).toHaveLength(1);
    for (const live of lives) {
      const isTouched = live.run.reads.isTouchedBy(commits[0]!.writes);
      const next = await runOf(live.query);
      const isChanged = JSON.stringify(valueOf(next.result)) !== JSON.stringify(valueOf(live.run.result));
      expect({ query: live.query, wrote, isMissed: isChanged && !isTouched }).toMatchObject({
        isMissed: false,
      });
      tally[isChanged ? "changed" : isTouched ? "needless" : "untouched"] += 1;
      // An untouched run goes on with the intervals of its old one, as a live query does.
      if (isTouched) live.run = next;
    }
  }
  // Touching everything would be safe and useless. A row that a filter passed over is read all the same.
  expect(tally.changed).toBeGreaterThan(40);
  // By 180 seeds there are 2.1 to 7.8 untouched for each that changed, and at most 0.5 needless: no dice come down to these.
  expect(tally.needless).toBeLessThan(2 * tally.changed);
  expect(tally.untouched).toBeGreaterThan(tally.changed / 2);
});
