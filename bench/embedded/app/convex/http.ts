/** What an HTTP action costs before it answers, in an app that loads a provider's SDK. */
import { httpActionGeneric as httpAction, httpRouter } from "convex/server";
import OpenAI from "openai";

const http = httpRouter();

http.route({
  path: "/head",
  method: "GET",
  handler: httpAction(async () => new Response(typeof OpenAI)),
});

export default http;
