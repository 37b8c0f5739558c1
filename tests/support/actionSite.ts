/** A site with one HTTP action under several routes, whose handler is a few lines of text in a test. */
import { onTestFinished } from "vitest";
import type { ActionContext } from "../../embedded/protocol/actions.ts";
import { startActions, type ActionFixture, type ActionFixtureOptions } from "./actionPoolFixture.ts";
import { Gates } from "./gates.ts";

export interface ActionSite {
  actions: ActionFixture;
  gates: Gates;
  url: string;
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/** `handler` is the body of the HTTP action behind every method at /run, with `ctx`, `request`, `door`, `write` and `writer`. */
export async function actionSite(handler: string, options: ActionFixtureOptions = {}): Promise<ActionSite> {
  const gates = new Gates();
  const actions = await startActions(
    {
      "http.ts": `import { httpRouter, httpActionGeneric as httpAction } from "convex/server";
        const http = httpRouter();
        const handler = httpAction(async (ctx: any, request: Request) => {
          const door = (name: string, detail: unknown = null) => ctx.runQuery(name, { detail });
          const { readable, writable } = new TransformStream();
          const writer = writable.getWriter();
          const write = (text: string) => writer.write(new TextEncoder().encode(text));
          ${handler}
        });
        for (const method of ${JSON.stringify(methods)} as any[]) http.route({ path: "/run", method, handler });
        export default http;`,
    },
    {
      syscall: (_: ActionContext, __: string, args: unknown) => {
        const { name, args: given } = args as { name: string; args: { detail: unknown } };
        return gates.pass(name, given.detail);
      },
      routes: methods.map((method) => ({ method, path: "/run" })),
      ...options,
    },
  );
  onTestFinished(() => actions.pool.close());
  return { actions, gates, url: actions.pool.localUrl };
}
