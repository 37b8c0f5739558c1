import { defineComponent } from "convex/server";
import { v } from "convex/values";
import inner from "./inner/convex.config.js";

const outer = defineComponent("outer", {
  env: { GREETING: v.string(), MODE: v.optional(v.union(v.literal("loud"), v.literal("quiet"))) },
});
outer.use(inner, { env: { FROM_PARENT: outer.env.GREETING, FIXED: "fixed by the parent" } });
export default outer;
