import { cronJobs } from "convex/server";
import { internal } from "./_generated/api.js";

const crons = cronJobs();
crons.interval("each second", { seconds: 1 }, internal.jobs.tick, { cron: "each second", extra: [1, 2] });
crons.interval("each second, an action", { seconds: 1 }, internal.jobs.tickInAction, { cron: "action" });
export default crons;
