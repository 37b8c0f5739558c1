import { defineApp } from "convex/server";
import outer from "./outer/convex.config.js";

const app = defineApp();
app.use(outer, { env: { GREETING: "hello", MODE: "loud" } });
// The same definition twice: each installation has tables of its own.
app.use(outer, { name: "second", env: { GREETING: "good day" } });
export default app;
