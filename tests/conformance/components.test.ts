/** Components, two deep, one of them installed twice: tables, environment, scheduler, handles, rollback, visibility. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshName, openApp, type TestApp } from "./support/testApp.ts";
import { watch } from "./support/watch.ts";

interface Lists {
  app: string[];
  first: { outer: string[]; inner: string[] };
  second: { outer: string[]; inner: string[] };
}

let app: TestApp;

beforeAll(async () => {
  // For a component inside a component in one folder the CLI writes an import that TypeScript does not find.
  app = await openApp("components", "disable");
});
afterAll(() => app.close());

const empty = { outer: [], inner: [] };
const lists = (bag: string): Promise<Lists> => app.query<Lists>("calls:list", { bag });

test("each component, and each installation of one, has tables of its own", async () => {
  const bag = freshName("tables");
  await app.mutation("calls:add", { bag, text: "one" });
  await app.mutation("calls:addToSecond", { bag, text: "two" });
  expect(await lists(bag)).toEqual({
    app: ["app one"],
    first: { outer: ["outer one"], inner: ["inner one"] },
    second: { outer: ["outer two"], inner: ["inner two"] },
  });
});

test("a mutation with all it called in components is one transaction", async () => {
  const bag = freshName("rollback");
  await expect(app.mutation("calls:addAndThrow", { bag })).rejects.toThrow(
    "the app fails after the component",
  );
  expect(await lists(bag)).toEqual({ app: [], first: empty, second: empty });
});

test("an error two components deep is caught in between, and only the innermost is undone", async () => {
  const bag = freshName("survive");
  expect(await app.mutation("calls:survive", { bag })).toContain("the innermost fails");
  expect(await lists(bag)).toMatchObject({ first: { outer: ["kept"], inner: [] } });
});

test("a subscription follows writes inside components, and sees them all at once", async () => {
  const bag = freshName("live");
  const seen = watch<Lists>(app.connect(), "calls:list", { bag });
  await seen.reached(() => true);
  await app.mutation("calls:add", { bag, text: "live" });
  await seen.reached((lists) => lists.first.inner.length === 1);
  for (const { app, first } of seen.results) expect(first.inner).toHaveLength(app.length);
});

test("a handle of an internal function of the app is called two components deeper, in the same transaction", async () => {
  const bag = freshName("handle");
  expect(await app.mutation("calls:handToComponent", { bag })).toBe("recorded called back");
  expect((await lists(bag)).app).toEqual(["called back"]);
});

test("a handle is text, and the same for the same function", async () => {
  expect(await app.query("calls:handleTwice")).toEqual({ same: true, looksRight: true });
});

test("a component schedules its own functions, those of handles, and the app schedules a component's", async () => {
  const bag = freshName("scheduled");
  const seen = watch<Lists>(app.connect(), "calls:list", { bag });
  await app.mutation("calls:scheduleInComponent", { bag });
  await seen.reached(({ first }) => first.inner.includes("later"));
  await app.mutation("calls:scheduleThroughComponent", { bag });
  await seen.reached(({ app }) => app.includes("scheduled by handle"));
  await app.mutation("calls:scheduleOfComponent", { bag });
  const last = await seen.reached(({ first }) => first.outer.length > 0);
  expect(last).toMatchObject({
    app: ["scheduled by handle"],
    first: { outer: ["outer scheduled by the app"], inner: ["later", "inner scheduled by the app"] },
  });
});

test("an action calls a component", async () => {
  const bag = freshName("action");
  expect(await app.action("calls:fromAction", { bag })).toEqual({
    outer: ["outer of an action"],
    inner: ["inner of an action"],
  });
});

test("internal functions of a component are not its parent's", async () => {
  await expect(app.mutation("calls:hidden")).rejects.toThrow(/hidden/);
});

test("arguments are checked at a component's edge", async () => {
  await expect(app.query("calls:wrongArguments")).rejects.toThrow("ArgumentValidationError");
});

test("an id of the app's is nothing to a component", async () => {
  await expect(app.mutation("calls:readThroughComponent", { bag: freshName("id") })).rejects.toThrow(/id/i);
});

test("a function in a component knows its name and its component", async () => {
  expect(await app.query("calls:innerMetadata")).toMatchObject({
    name: "things:metadata",
    componentPath: "outer/inner",
  });
});

test("identity stays with the app", async () => {
  const identity = JSON.stringify({ name: "Ann", subject: "ann", issuer: "https://test" });
  const { stdout } = await app.cli.run(["run", "calls:identities", "--identity", identity]);
  const identities = JSON.parse(stdout) as { app: { name: string }; inner: unknown };
  expect(identities.app.name).toBe("Ann");
  expect(identities.inner).toBeNull();
});

test("a component has the variables its parent hands it, by value and by reference, and no others", async () => {
  const inner = (greeting: string): object => ({
    fromParent: greeting,
    fixed: "fixed by the parent",
    ofTheApp: null,
  });
  await app.cli.run(["env", "set", "CONFORMANCE_APP_ONLY", "secret of the app"]);
  expect(await app.query("calls:environments")).toEqual({
    first: { greeting: "hello", mode: "loud" },
    second: { greeting: "good day", mode: null },
    innerOfFirst: inner("hello"),
    innerOfSecond: inner("good day"),
  });
  await app.cli.run(["env", "remove", "CONFORMANCE_APP_ONLY"]);
});

test("run --component calls a function inside, and data --component shows its tables", async () => {
  const bag = freshName("cli");
  const args = JSON.stringify({ bag, text: "from the shell" });
  const run = await app.cli.run(["run", "things:add", args, "--component", "outer/inner"]);
  expect(run.exitCode).toBe(0);
  expect((await lists(bag)).first.inner).toEqual(["from the shell"]);
  const data = await app.cli.run(["data", "things", "--component", "outer/inner", "--format", "jsonl"]);
  expect(data.stdout).toContain("from the shell");
});
