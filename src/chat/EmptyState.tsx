/** The page of a chat that has not begun. */
import { Logo } from "../ui/Logo.tsx";
import { examplePrompts } from "./examplePrompts.ts";

export function EmptyState({ onChoose }: { onChoose: (prompt: string) => void }) {
  return (
    <div className="mx-auto flex w-full max-w-2xl flex-col items-center px-1 text-center">
      <Logo size={44} />
      <h1 className="mt-5 text-2xl font-semibold tracking-tight text-balance sm:text-3xl">
        What shall we work on?
      </h1>
      <p className="mt-2 text-muted-foreground text-pretty">
        Replies keep going when you leave, and are here when you come back.
      </p>
      <ul className="mt-8 grid w-full gap-2.5 text-left sm:grid-cols-2">
        {examplePrompts.map(({ title, prompt }) => (
          <li key={title}>
            <button
              type="button"
              onClick={() => onChoose(prompt)}
              className="flex h-full w-full flex-col rounded-xl border border-border bg-card px-4 py-3 text-left transition-colors hover:border-primary/40 hover:bg-muted/60"
            >
              <span className="block text-sm font-medium">{title}</span>
              <span className="mt-0.5 line-clamp-3 block text-sm text-muted-foreground">{prompt}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
