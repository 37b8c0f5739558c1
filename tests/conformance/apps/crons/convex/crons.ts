import { cronJobs } from "convex/server";
import { internal } from "./_generated/api.js";

const crons = cronJobs();
crons.interval("interval", { seconds: 1 }, internal.ticks.add, { cron: "interval" });
crons.hourly("hourly", { minuteUTC: 17 }, internal.ticks.add, { cron: "hourly" });
crons.daily("daily", { hourUTC: 4, minuteUTC: 30 }, internal.ticks.add, { cron: "daily" });
crons.weekly("weekly", { dayOfWeek: "monday", hourUTC: 0, minuteUTC: 0 }, internal.ticks.add, {
  cron: "weekly",
});
crons.monthly("monthly", { day: 31, hourUTC: 23, minuteUTC: 59 }, internal.ticks.add, { cron: "monthly" });
crons.cron("each minute", "* * * * *", internal.ticks.add, { cron: "each minute" });
export default crons;
