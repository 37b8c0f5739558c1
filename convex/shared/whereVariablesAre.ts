/** Where the person sets the deployment's environment variables, to be put into a sentence. */
export const whereVariablesAre = "in .env.local, or with npx convex env set on another deployment";
