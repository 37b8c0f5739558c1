import { afterEach, expect, test } from "vitest";
import { type ActionFixture, startActions } from "../../support/actionPoolFixture.ts";

const files = {
  "http.ts": `
    import { httpRouter, httpActionGeneric } from "convex/server";
    const http = httpRouter();
    http.route({ path: "/headers", method: "GET", handler: httpActionGeneric(async (ctx, request) =>
      Response.json([...request.headers.keys()])) });
    http.route({ path: "/hold", method: "GET", handler: httpActionGeneric(async () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("held")) }))) });
    export default http;
  `,
};
const routes = [
  { method: "GET", path: "/headers" },
  { method: "GET", path: "/hold" },
];

let actions: ActionFixture;

afterEach(async () => {
  await actions.pool.close();
});

test("the deployment's own request is served while every place is taken, and its secret is not shown", async () => {
  actions = await startActions(files, { routes, limits: { concurrent: 1, maxWaitMs: 50 } });
  const { localUrl, ownRequestHeaders } = actions.pool;
  const held = await fetch(`${localUrl}/hold`);
  const own = await fetch(`${localUrl}/headers`, { headers: ownRequestHeaders });
  expect(own.status).toBe(200);
  const shown = (await own.json()) as string[];
  for (const name of Object.keys(ownRequestHeaders)) expect(shown).not.toContain(name);
  await held.body?.cancel();
});

test("who only guesses the secret waits like anybody else", async () => {
  actions = await startActions(files, { routes, limits: { concurrent: 1, maxWaitMs: 50 } });
  const { localUrl, ownRequestHeaders } = actions.pool;
  const held = await fetch(`${localUrl}/hold`);
  const guessed = Object.fromEntries(Object.keys(ownRequestHeaders).map((name) => [name, "guess"]));
  expect((await fetch(`${localUrl}/headers`, { headers: guessed })).status).toBe(429);
  await held.body?.cancel();
});
