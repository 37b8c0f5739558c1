import { httpRouter } from "convex/server";
import { api } from "./_generated/api.js";
import { httpAction } from "./_generated/server.js";

const http = httpRouter();

/** Tells what arrived. */
const describe = httpAction(async (_ctx, request) => {
  const url = new URL(request.url);
  return Response.json({
    method: request.method,
    path: url.pathname,
    search: url.search,
    header: request.headers.get("X-Case"),
    body: request.method === "GET" ? null : await request.text(),
  });
});

for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] as const) {
  http.route({ path: "/describe", method, handler: describe });
}
http.route({ pathPrefix: "/files/", method: "GET", handler: describe });
http.route({
  pathPrefix: "/files/deeper/",
  method: "GET",
  handler: httpAction(async () => new Response("the longer prefix")),
});
http.route({
  path: "/files/exact",
  method: "GET",
  handler: httpAction(async () => new Response("the exact path")),
});

http.route({
  path: "/bytes",
  method: "POST",
  handler: httpAction(
    async (_ctx, request) => new Response(new Uint8Array(await request.arrayBuffer()).reverse()),
  ),
});

http.route({
  path: "/form",
  method: "POST",
  handler: httpAction(async (_ctx, request) => {
    const form = await request.formData();
    const file = form.get("file") as File;
    return Response.json({
      name: form.get("name"),
      file: file.name,
      type: file.type,
      text: await file.text(),
    });
  }),
});

http.route({
  path: "/status",
  method: "GET",
  handler: httpAction(async (_ctx, request) => {
    const status = Number(new URL(request.url).searchParams.get("code"));
    const hasNoBody = [204, 205, 304].includes(status);
    return new Response(hasNoBody ? null : `status ${status}`, { status, headers: { "X-Answer": "yes" } });
  }),
});

http.route({
  path: "/cookies",
  method: "GET",
  handler: httpAction(async () => {
    const headers = new Headers();
    headers.append("Set-Cookie", "a=1; Path=/");
    headers.append("Set-Cookie", "b=2");
    return new Response("ok", { headers });
  }),
});

http.route({
  path: "/redirect",
  method: "GET",
  handler: httpAction(async () => new Response(null, { status: 302, headers: { Location: "/describe" } })),
});

http.route({
  path: "/throws",
  method: "GET",
  handler: httpAction(async () => {
    throw new Error("the HTTP action failed");
  }),
});

http.route({
  path: "/notes",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const { bag, text } = (await request.json()) as { bag: string; text: string };
    await ctx.runMutation(api.notes.add, { bag, text });
    return Response.json(await ctx.runQuery(api.notes.list, { bag }));
  }),
});

/** Writes a word, waits until the bag has a note, writes the next: the client must have read the first by then. */
http.route({
  path: "/stream",
  method: "GET",
  handler: httpAction(async (ctx, request) => {
    const bag = new URL(request.url).searchParams.get("bag") ?? "";
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const encoder = new TextEncoder();
    void (async () => {
      await writer.write(encoder.encode("first "));
      while ((await ctx.runQuery(api.notes.list, { bag })).length === 0) await pause(50);
      await writer.write(encoder.encode("second"));
      await writer.close();
    })();
    return new Response(readable, { headers: { "Content-Type": "text/plain" } });
  }),
});

/** Goes on after its client has left, and tells in notes what it saw. */
http.route({
  path: "/abandoned",
  method: "GET",
  handler: httpAction(async (ctx, request) => {
    const bag = new URL(request.url).searchParams.get("bag") ?? "";
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const gone = new Promise((resolve) => request.signal.addEventListener("abort", resolve, { once: true }));
    void (async () => {
      await writer.write(new TextEncoder().encode("started"));
      await gone;
      await ctx.runMutation(api.notes.add, { bag, text: "signal aborted" });
      await writer.write(new TextEncoder().encode("nobody reads this"));
      await ctx.runMutation(api.notes.add, { bag, text: "write accepted" });
      await writer.close();
    })();
    return new Response(readable);
  }),
});

/** The body fails in the middle. */
http.route({
  path: "/broken-body",
  method: "GET",
  handler: httpAction(async () => {
    let chunks = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks += 1;
        if (chunks > 2) throw new Error("the body failed");
        controller.enqueue(new TextEncoder().encode("part "));
      },
    });
    return new Response(body);
  }),
});

http.route({
  path: "/identity",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json(await ctx.auth.getUserIdentity())),
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export default http;
