import { expect, test } from "vitest";
import type { DeployedCode } from "../../../embedded/protocol/deployedCode.ts";
import { VisibleEnvironment } from "../../../embedded/store/visibleEnvironment.ts";

const code = {
  components: {
    "": { path: "" },
    child: { path: "child", environment: { SEEN: { type: "envVar", name: "KEY" } } },
  },
} as unknown as DeployedCode;

test("a component sees one object for as long as nothing changes, and another one afterwards", () => {
  const sources = { code, variables: { KEY: "1" }, builtIn: { URL: "here" } };
  const visible = new VisibleEnvironment(() => ({ ...sources, builtIn: { ...sources.builtIn } }));
  expect(visible.of("")).toEqual({ URL: "here", KEY: "1" });
  expect(visible.of("")).toBe(visible.of(""));
  sources.variables = { KEY: "2" };
  expect(visible.of("")).toEqual({ URL: "here", KEY: "2" });
  expect(visible.of("child")).toEqual({ URL: "here", SEEN: "2" });
  sources.builtIn = { URL: "there" };
  expect(visible.of("child")).toEqual({ URL: "there", SEEN: "2" });
  sources.code = { ...code, components: {} };
  expect(visible.of("child")).not.toBe(visible.of(""));
});
