/** The deployment's environment variables. */
import type { Database } from "./database.ts";

export class EnvironmentStore {
  readonly #database: Database;
  #variables: Readonly<Record<string, string>>;

  constructor(database: Database) {
    this.#database = database;
    this.#variables = this.#load();
  }

  all(): Readonly<Record<string, string>> {
    return this.#variables;
  }

  /** Persists in the open transaction. null removes the variable. */
  save(changes: Readonly<Record<string, string | null>>): void {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null) this.#database.run("DELETE FROM environment WHERE name = ?", name);
      else {
        this.#database.run(
          "INSERT INTO environment (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
          name,
          value,
        );
      }
    }
  }

  /** Shows what was saved, once it is committed. */
  reload(): void {
    this.#variables = this.#load();
  }

  #load(): Readonly<Record<string, string>> {
    const rows = this.#database.all("SELECT name, value FROM environment ORDER BY name");
    return Object.freeze(Object.fromEntries(rows.map((row) => [String(row["name"]), String(row["value"])])));
  }
}
