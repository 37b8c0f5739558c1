/** The page of an address that leads nowhere. */
import { Link } from "react-router";

export function PageNotFound() {
  return (
    <div className="m-auto max-w-md px-6 text-center">
      <title>Not found · Duet</title>
      <h1 className="text-xl font-semibold">Nothing here</h1>
      <p className="mt-2 text-muted-foreground">This address leads to no page.</p>
      <Link
        to="/"
        className="mt-6 inline-flex h-10 items-center rounded-lg bg-primary px-4 text-sm font-medium text-primary-foreground hover:bg-primary/88"
      >
        Go to the start
      </Link>
    </div>
  );
}
