import { expect, test } from "vitest";
import { chooseTarget, deploymentEnvironment, hasRealModel, readPorts } from "../../scripts/settings.ts";

test("without a deployment named, the embedded one is used", () => {
  expect(chooseTarget({})).toEqual({ kind: "embedded" });
  expect(chooseTarget({ CONVEX_DEPLOYMENT: "" })).toEqual({ kind: "embedded" });
});

test("a self-hosted URL or a cloud deployment takes the embedded one's place", () => {
  expect(chooseTarget({ CONVEX_SELF_HOSTED_URL: "https://convex.example" })).toEqual({
    kind: "external",
    variable: "CONVEX_SELF_HOSTED_URL",
    value: "https://convex.example",
  });
  expect(chooseTarget({ CONVEX_DEPLOYMENT: "dev:calm-otter-1" })).toMatchObject({ kind: "external" });
});

test("a port that is no port is refused with its variable and the remedy", () => {
  for (const value of ["0", "65536", "51.5", "http", "-1"]) {
    expect(() => readPorts({ DUET_SITE_PORT: value })).toThrow(
      `DUET_SITE_PORT is "${value}", but a port is a whole number from 1 to 65535`,
    );
  }
  expect(readPorts({ DUET_APP_PORT: "8080" })).toMatchObject({ app: 8080, deployment: 3210 });
});

test("two parts on one port are refused with both variables", () => {
  expect(() => readPorts({ DUET_DEMO_PORT: "3210" })).toThrow(
    "DUET_DEPLOYMENT_PORT and DUET_DEMO_PORT are both 3210. Each needs a port of its own.",
  );
});

test("a key that has left .env.local is removed from the deployment", () => {
  const withKey = deploymentEnvironment({ OPENAI_API_KEY: "sk-1" }, ["http://127.0.0.1:5173"], null);
  expect(withKey).toMatchObject({ OPENAI_API_KEY: "sk-1", ANTHROPIC_API_KEY: null, DEMO_BASE_URL: null });
  const without = deploymentEnvironment({}, ["http://127.0.0.1:5173"], "http://127.0.0.1:3212");
  expect(without).toMatchObject({ OPENAI_API_KEY: null, DEMO_BASE_URL: "http://127.0.0.1:3212" });
});

test("the app's own origins may stream unless the owner names others", () => {
  const preset = deploymentEnvironment({}, ["http://127.0.0.1:5173", "http://localhost:5173"], null);
  expect(preset["ALLOWED_ORIGINS"]).toBe("http://127.0.0.1:5173,http://localhost:5173");
  const chosen = deploymentEnvironment({ ALLOWED_ORIGINS: "https://duet.example" }, ["http://x"], null);
  expect(chosen["ALLOWED_ORIGINS"]).toBe("https://duet.example");
});

test("any one provider makes the demo model unnecessary", () => {
  expect(hasRealModel({})).toBe(false);
  expect(hasRealModel({ OPENAI_API_KEY: "" })).toBe(false);
  expect(hasRealModel({ ANTHROPIC_API_KEY: "key" })).toBe(true);
  expect(hasRealModel({ OPENAI_COMPATIBLE_BASE_URL: "http://localhost:11434/v1" })).toBe(true);
});
