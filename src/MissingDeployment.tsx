/** The page of an app that was started without its deployment. */
import { Logo } from "./ui/Logo.tsx";

export function MissingDeployment({ variables }: { variables: readonly string[] }) {
  return (
    <main className="grid min-h-dvh place-items-center px-6">
      <div className="max-w-lg">
        <Logo size={36} />
        <h1 className="mt-5 text-2xl font-semibold tracking-tight">Duet needs its server</h1>
        <p className="mt-3 text-muted-foreground text-pretty">
          The web app was started on its own, without the address of a deployment. Start everything together:
        </p>
        <pre className="mt-4 overflow-x-auto rounded-xl border border-border bg-card px-4 py-3 font-mono text-sm">
          npm run dev
        </pre>
        <p className="mt-4 text-sm text-muted-foreground text-pretty">
          To use a deployment that is already running, set {variables.join(" and ")} in .env.local and start
          the app again.
        </p>
      </div>
    </main>
  );
}
