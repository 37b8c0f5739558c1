import type { StreamId } from "@convex-dev/persistent-text-streaming";
import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server.js";
import { streaming } from "./streams.js";

const http = httpRouter();

http.route({
  path: "/write",
  method: "POST",
  handler: httpAction(async (ctx, request) => {
    const { streamId } = (await request.clone().json()) as { streamId: StreamId };
    return await streaming.stream(ctx, request, streamId, async (_ctx, _request, _id, append) => {
      for (const sentence of ["One. ", "Two! ", "Three? ", "and a rest"]) await append(sentence);
    });
  }),
});

export default http;
