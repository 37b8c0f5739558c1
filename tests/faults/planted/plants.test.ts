/** The suite is worth what it catches: every planted fault breaks a rule that is there for it. */
import { expect, test } from "vitest";
import { plants } from "./plants.ts";
import { playPlant } from "./playPlant.ts";

test.concurrent.for(plants)("$name: caught", async (plant, { expect }) => {
  const broken = await playPlant(plant);
  const caught = plant.caughtBy.filter((name) => broken.some(({ rule }) => rule === name));
  expect(caught, JSON.stringify(broken)).not.toEqual([]);
});

test("no two plants are the same", () => {
  expect(new Set(plants.map(({ name }) => name)).size).toBe(plants.length);
  expect(plants.length).toBeGreaterThanOrEqual(10);
});
