import { expect, test } from "vitest";
import { UsageLedger } from "../../../embedded/usage/usageLedger.ts";

test("a module in a folder and one of a component in a component are counted apart", () => {
  const ledger = new UsageLedger();
  ledger.countRun("outer/inner", "things.js:list", null, false);
  ledger.countRun("outer", "inner/things.js:list", null, true);
  expect(ledger.all()).toMatchObject([
    { componentPath: "outer/inner", name: "things.js:list", calls: 1, errors: 0 },
    { componentPath: "outer", name: "inner/things.js:list", calls: 1, errors: 1 },
  ]);
});
