import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server.js";

const http = httpRouter();
http.route({
  path: "/me",
  method: "GET",
  handler: httpAction(async (ctx) => Response.json((await ctx.auth.getUserIdentity())?.subject ?? null)),
});
export default http;
