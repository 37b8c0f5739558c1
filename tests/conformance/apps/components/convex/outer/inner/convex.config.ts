import { defineComponent } from "convex/server";
import { v } from "convex/values";

export default defineComponent("inner", { env: { FROM_PARENT: v.string(), FIXED: v.string() } });
