import { httpRouter } from "convex/server";
import { httpAction } from "./_generated/server.js";

const http = httpRouter();
http.route({
  path: "/ping",
  method: "GET",
  handler: httpAction(async () => {
    console.log("pinged");
    return new Response("pong");
  }),
});
export default http;
