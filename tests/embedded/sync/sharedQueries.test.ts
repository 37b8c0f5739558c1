import { expect, onTestFinished, test, vi } from "vitest";
import type { Caller } from "../../../embedded/protocol/calls.ts";
import type { Commit, QueryCall, QueryRun } from "../../../embedded/protocol/engine.ts";
import { SharedQueries } from "../../../embedded/sync/sharedQueries.ts";
import { StaleQueries } from "../../../embedded/sync/staleQueries.ts";

/** A database of named cells: a query reads the cell it is named after, a commit writes cells. */
class Cells {
  ts = 1n;
  readonly runs: string[] = [];
  readonly #values = new Map<string, string>();
  /** Queries of these names answer differently to each caller. */
  readonly personal = new Set<string>();
  /** Where a run without a journal ends its page; without it nothing is paginated. */
  pageEnd: string | null = null;
  duringRun: () => void = () => undefined;

  readonly run = async (calls: QueryCall[]): Promise<QueryRun[]> => {
    const { ts } = this;
    const runs = calls.map((call) => this.#runOne(call, ts));
    await Promise.resolve();
    this.duringRun();
    return runs;
  };

  commit(name: string, value: string): Commit {
    this.ts += 1n;
    this.#values.set(name, value);
    return { ts: this.ts, writes: writesOf(name) };
  }

  #runOne({ name, caller, journal }: QueryCall, ts: bigint): QueryRun {
    this.runs.push(name);
    const readIdentity = this.personal.has(name);
    const value = `${this.#values.get(name) ?? "empty"}${readIdentity ? ` for ${nameOf(caller)}` : ""}`;
    return {
      result: { status: "success", valueJson: JSON.stringify(value), logLines: [] },
      ts,
      reads: { isTouchedBy: (writes) => (writes as ReturnType<typeof writesOf>).name === name },
      readIdentity,
      journal: journal ?? this.pageEnd,
    };
  }
}

function writesOf(name: string): { isEmpty: boolean; name: string } {
  return { isEmpty: false, name };
}

function nameOf(caller: Caller): string {
  return caller.kind === "user" ? (caller.attributes.subject ?? "") : caller.kind;
}

function user(subject: string): Caller {
  return {
    kind: "user",
    attributes: { tokenIdentifier: `issuer|${subject}`, issuer: "issuer", subject },
    token: "",
    expiresAtMs: 0,
  };
}

function query(name: string, caller: Caller = { kind: "anonymous" }): QueryCall {
  return { componentPath: "", name, argsJson: "{}", caller, journal: null };
}

function valueOf(subscription: { shared: { result: { fields: string } | null } | null }): unknown {
  const fields = subscription.shared?.result?.fields;
  return fields === undefined ? undefined : (JSON.parse(`{${fields}}`) as { value: unknown }).value;
}

const nobody = (): void => undefined;

test("equal queries of several sessions run once", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const first = queries.subscribe("tab 1", query("notes"));
  const second = queries.subscribe("tab 2", query("notes", user("ann")));
  await queries.refresh(cells.ts, nobody);
  queries.onCommit(cells.commit("notes", "one"));
  const told: string[] = [];
  await queries.refresh(cells.ts, (owner) => told.push(owner));
  // Before its first run nobody knows whether "notes" depends on the caller: two runs, then one for both.
  expect(cells.runs).toEqual(["notes", "notes", "notes"]);
  expect([valueOf(first), valueOf(second)]).toEqual(["one", "one"]);
  expect(told.sort()).toEqual(["tab 1", "tab 2"]);
});

test("a commit re-runs only the queries that read what it wrote", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  queries.subscribe("tab", query("notes"));
  queries.subscribe("tab", query("chats"));
  await queries.refresh(cells.ts, nobody);
  cells.runs.length = 0;
  queries.onCommit(cells.commit("chats", "new"));
  expect(await queries.refresh(cells.ts, nobody)).toBe(cells.ts);
  expect(cells.runs).toEqual(["chats"]);
});

test("a re-run with an equal result tells nobody", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  queries.subscribe("tab", query("notes"));
  queries.onCommit(cells.commit("notes", "same"));
  await queries.refresh(cells.ts, nobody);
  queries.onCommit(cells.commit("notes", "same"));
  const told: string[] = [];
  await queries.refresh(cells.ts, (owner) => told.push(owner));
  expect(told).toEqual([]);
});

test("what depends on who asks is not shared, also when that shows only later", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const ann = queries.subscribe("ann's tab", query("inbox", user("ann")));
  await queries.refresh(cells.ts, nobody);
  const bob = queries.subscribe("bob's tab", query("inbox", user("bob")));
  expect(bob.shared).toBe(ann.shared);
  cells.personal.add("inbox");
  queries.onCommit(cells.commit("inbox", "mail"));
  await queries.refresh(cells.ts, nobody);
  expect([valueOf(ann), valueOf(bob)]).toEqual(["mail for ann", "mail for bob"]);
});

test("an admin's result is not handed to anyone else", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const admin = queries.subscribe("cli", query("notes", { kind: "admin", impersonating: null }));
  await queries.refresh(cells.ts, nobody);
  const stranger = queries.subscribe("tab", query("notes"));
  expect(stranger.shared).not.toBe(admin.shared);
});

test("a commit that comes while queries run makes the older result run again", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const notes = queries.subscribe("tab", query("notes"));
  cells.duringRun = () => {
    cells.duringRun = () => undefined;
    queries.onCommit(cells.commit("notes", "late"));
  };
  const firstTs = await queries.refresh(cells.ts, nobody);
  expect(firstTs).toBe(1n);
  expect([valueOf(notes), queries.hasStale]).toEqual(["empty", true]);
  expect(await queries.refresh(cells.ts, nobody)).toBe(2n);
  expect([valueOf(notes), queries.hasStale]).toEqual(["late", false]);
});

test("all results of a refresh hold at one timestamp", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const notes = queries.subscribe("tab", query("notes"));
  await queries.refresh(cells.ts, nobody);
  // "chats" is new; while it waits to run, a commit changes "notes".
  queries.subscribe("tab", query("chats"));
  queries.onCommit(cells.commit("notes", "newer"));
  const ts = await queries.refresh(1n, nobody);
  expect([ts, valueOf(notes)]).toEqual([2n, "newer"]);
});

test("a query nobody watches any more is not run", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const notes = queries.subscribe("tab", query("notes"));
  await queries.refresh(cells.ts, nobody);
  queries.unsubscribe(notes);
  cells.runs.length = 0;
  queries.onCommit(cells.commit("notes", "unseen"));
  await queries.refresh(cells.ts, nobody);
  expect(cells.runs).toEqual([]);
});

test("a slice of a refresh runs one query of each owner before the second of any", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  for (const name of ["a", "b", "c"]) queries.subscribe("crowd", query(name));
  const page = queries.subscribe("page", query("page"));
  await queries.refresh(cells.ts, nobody, { isOver: () => cells.runs.length === 2 });
  expect([cells.runs, valueOf(page), queries.hasStale]).toEqual([["a", "page"], "empty", true]);
  await queries.refresh(cells.ts, nobody);
  expect([cells.runs, queries.hasStale]).toEqual([["a", "page", "b", "c"], false]);
});

test("between slices only what a commit touched runs again", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  const [first] = ["a", "b", "c"].map((name) => queries.subscribe("tab", query(name)));
  await queries.refresh(cells.ts, nobody, { isOver: () => cells.runs.length === 2 });
  queries.onCommit(cells.commit("a", "newer"));
  expect(await queries.refresh(cells.ts, nobody)).toBe(2n);
  expect([cells.runs, valueOf(first!)]).toEqual([["a", "b", "c", "a"], "newer"]);
});

test("one owner's queries can be run in one piece", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  for (const name of ["a", "b"]) queries.subscribe("tab", query(name));
  queries.subscribe("other", query("c"));
  await queries.refresh(cells.ts, nobody, { isOver: () => false, only: "tab" });
  expect(cells.runs).toEqual(["a", "b"]);
});

test("one owner's many queries are not looked for anew, among all others, after each of them", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  for (let n = 0; n < 50; n++) queries.subscribe("other", query(`other ${n}`));
  for (let n = 0; n < 50; n++) queries.subscribe("tab", query(`tab ${n}`));
  const looks = vi.spyOn(StaleQueries.prototype, Symbol.iterator);
  onTestFinished(() => looks.mockRestore());
  await queries.refresh(cells.ts, nobody, { isOver: () => false, only: "tab" });
  expect(cells.runs).toHaveLength(50);
  expect(looks.mock.calls.length).toBeLessThan(5);
});

test("a page keeps its end for those who watch it, and a newcomer gets one of its own", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  cells.pageEnd = "at 10";
  const first = queries.subscribe("tab 1", query("page"));
  await queries.refresh(cells.ts, nobody);
  cells.pageEnd = "at 8";
  const newcomer = queries.subscribe("tab 2", query("page"));
  await queries.refresh(cells.ts, nobody);
  expect([first.shared?.journal, newcomer.shared?.journal]).toEqual(["at 10", "at 8"]);
  // Whoever comes back with its journal shares the page it had.
  const back = queries.subscribe("tab 3", { ...query("page"), journal: "at 10" });
  expect(back.shared).toBe(first.shared);
});

test("newcomers whose pages end at the same place share one query", async () => {
  const cells = new Cells();
  const queries = new SharedQueries<string>(cells.run, () => 0);
  cells.pageEnd = "at 10";
  const [first, second] = ["tab 1", "tab 2"].map((tab) => {
    const subscription = queries.subscribe(tab, query("page", user(tab)));
    return subscription;
  });
  await queries.refresh(cells.ts, nobody);
  expect(second?.shared).toBe(first?.shared);
  cells.runs.length = 0;
  queries.onCommit(cells.commit("page", "more"));
  await queries.refresh(cells.ts, nobody);
  expect(cells.runs).toEqual(["page"]);
});
