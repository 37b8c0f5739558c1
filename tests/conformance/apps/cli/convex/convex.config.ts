import { defineApp } from "convex/server";
import drawer from "./drawer/convex.config.js";

const app = defineApp();
app.use(drawer);
export default app;
