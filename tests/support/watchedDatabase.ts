import { Database } from "../../embedded/store/database.ts";

/** The real database, with a look at every COMMIT, and one that fails when told to. */
export class WatchedDatabase extends Database {
  commits = 0;
  beforeCommit: (() => void) | undefined;

  /** A statement with such a parameter finds the disk full. */
  tooMuch: string | undefined;

  override run(...[sql, ...parameters]: Parameters<Database["run"]>): number {
    const { tooMuch } = this;
    if (tooMuch !== undefined && parameters.some((one) => typeof one === "string" && one.includes(tooMuch)))
      throw diskFull();
    return super.run(sql, ...parameters);
  }

  override commit(): void {
    this.beforeCommit?.();
    super.commit();
    this.commits += 1;
  }

  failCommits(): void {
    this.beforeCommit = () => {
      throw diskFull();
    };
  }
}

/** As SQLite says it. */
function diskFull(): Error {
  return Object.assign(new Error("database or disk is full"), { code: "ERR_SQLITE_ERROR", errcode: 13 });
}
