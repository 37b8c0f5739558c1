/** The routes of the site port. */
import { httpRouter } from "convex/server";
import { drive, preflight } from "./chatStream.ts";

const http = httpRouter();

http.route({ path: "/chat-stream", method: "POST", handler: drive });
http.route({ path: "/chat-stream", method: "OPTIONS", handler: preflight });

export default http;
