/** The tables of the database file. Each migration runs once, in order; `user_version` counts them. */

export const MIGRATIONS: readonly string[] = [
  `
  -- Last commit timestamp and last _creationTime handed out; both only grow, also when the machine's clock goes back.
  CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_ts INTEGER NOT NULL,
    last_creation_time REAL NOT NULL
  );
  INSERT INTO clock VALUES (1, 0, 0);

  -- User tables and _scheduled_functions, one namespace per component. Numbers are part of document ids: never reused.
  CREATE TABLE tables (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (component, name)
  );
  INSERT INTO sqlite_sequence (name, seq) VALUES ('tables', 10000);

  -- Every table has by_id and by_creation_time besides the indexes of its schema.
  CREATE TABLE indexes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_number INTEGER NOT NULL REFERENCES tables (number),
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    UNIQUE (table_number, name)
  );

  -- id_key is the index key of [_id], so that this table is the index by_id. bytes is the size as Convex counts it.
  CREATE TABLE documents (
    rowid INTEGER PRIMARY KEY,
    table_number INTEGER NOT NULL,
    id_key BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    json TEXT NOT NULL
  );
  CREATE UNIQUE INDEX documents_by_id ON documents (table_number, id_key);

  CREATE TABLE index_entries (
    index_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    document INTEGER NOT NULL,
    PRIMARY KEY (index_id, key)
  ) WITHOUT ROWID;

  CREATE TABLE code (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, json TEXT NOT NULL);
  CREATE TABLE environment (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- Keys made at the first start, for what is handed out and must come back unforged (cursors, function handles).
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;

  -- Results of committed mutations, answered again when a client replays a request after a reconnect.
  CREATE TABLE mutation_results (
    session_id TEXT NOT NULL,
    request_id INTEGER NOT NULL,
    ts INTEGER NOT NULL,
    finished_ms REAL NOT NULL,
    result TEXT NOT NULL,
    PRIMARY KEY (session_id, request_id)
  ) WITHOUT ROWID;
  CREATE INDEX mutation_results_by_age ON mutation_results (finished_ms);

  -- What the scheduler needs beside the document in _scheduled_functions (same id, in the component that scheduled).
  CREATE TABLE scheduled_jobs (
    -- Calls that are due at the same time run in the order in which they were scheduled.
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    component TEXT NOT NULL,
    target_component TEXT NOT NULL,
    name TEXT NOT NULL,
    args TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'inProgress', 'finished')),
    -- When it is due; when it finished, once it has.
    at_ms REAL NOT NULL
  );
  CREATE INDEX scheduled_jobs_by_state ON scheduled_jobs (state, at_ms);

  CREATE TABLE crons (
    component TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    next_ms REAL NOT NULL,
    PRIMARY KEY (component, name)
  ) WITHOUT ROWID;
  `,
  `
  -- What file storage needs beside the document in _storage (same id, in the component that owns it): uuid names the file
  -- in its URL, key is the name of the file that holds its bytes.
  CREATE TABLE stored_files (
    document TEXT PRIMARY KEY,
    component TEXT NOT NULL,
    uuid TEXT NOT NULL UNIQUE,
    key TEXT NOT NULL UNIQUE
  ) WITHOUT ROWID;
  `,
  `
  -- An index is 'live' (queries use it), 'staged', or 'pending' (a push is filling it); several may have one name.
  -- fields is an array for a database index, an object for a search index. filled_to is the id_key up to which the
  -- documents are in it; null when all are.
  CREATE TABLE new_indexes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    table_number INTEGER NOT NULL REFERENCES tables (number),
    name TEXT NOT NULL,
    fields TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'live' CHECK (state IN ('live', 'staged', 'pending')),
    filled_to BLOB
  );
  INSERT INTO new_indexes (id, table_number, name, fields) SELECT id, table_number, name, fields FROM indexes;
  DROP TABLE indexes;
  ALTER TABLE new_indexes RENAME TO indexes;

  -- Indexes whose entries are still to be removed.
  CREATE TABLE dropped_indexes (id INTEGER PRIMARY KEY);

  -- What a search index knows of a document (search/searchEntries.ts). The rowid of search_terms is the entry's id.
  CREATE TABLE search_entries (
    id INTEGER PRIMARY KEY,
    index_id INTEGER NOT NULL,
    document INTEGER NOT NULL,
    length INTEGER NOT NULL,
    creation_time REAL NOT NULL,
    UNIQUE (index_id, document)
  );
  CREATE TABLE search_statistics (index_id INTEGER PRIMARY KEY, entries INTEGER NOT NULL, words INTEGER NOT NULL);
  CREATE VIRTUAL TABLE search_terms USING fts5(terms, content='', contentless_delete=1, tokenize='ascii');
  CREATE VIRTUAL TABLE search_term_counts USING fts5vocab(search_terms, row);
  CREATE VIRTUAL TABLE search_term_places USING fts5vocab(search_terms, instance);
  `,
  `
  -- A cron's action has begun: when the process dies before it has ended, it is not run again.
  ALTER TABLE crons ADD COLUMN has_begun INTEGER NOT NULL DEFAULT 0 CHECK (has_begun IN (0, 1));
  `,
];
