/**
 * What happens by the clock: dead runs and stalled removals are taken up. Crons do not wait behind scheduled jobs, so
 * this rescue is never starved.
 */
import { cronJobs } from "convex/server";
import { internal } from "./_generated/api.js";

const crons = cronJobs();

crons.interval("take up runs whose deadline has passed", { seconds: 10 }, internal.runs.reap, {});
crons.interval(
  "take up removals of chats that stand still",
  { seconds: 60 },
  internal.chats.resumePurges,
  {},
);

export default crons;
