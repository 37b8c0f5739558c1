/** The pushed code: persisted, and held ready for the runner. */
import type { ComponentPath, DeployedCode, ValidatorJson } from "../protocol/deployedCode.ts";
import type { Database } from "./database.ts";

export class CodeStore {
  readonly #database: Database;
  #current: DeployedCode | null = null;
  #documentTypes = new Map<string, ValidatorJson>();

  constructor(database: Database) {
    this.#database = database;
    const row = database.get("SELECT json FROM code WHERE id = 1");
    if (row) this.use(JSON.parse(String(row["json"])) as DeployedCode);
  }

  current(): DeployedCode | null {
    return this.#current;
  }

  /** Persists in the open transaction; runs are made with it from `use` on. */
  save(code: DeployedCode): void {
    this.#database.run(
      "INSERT INTO code (id, version, json) VALUES (1, ?, ?) ON CONFLICT (id) DO UPDATE SET version = excluded.version, json = excluded.json",
      code.version,
      JSON.stringify(code),
    );
  }

  use(code: DeployedCode): void {
    this.#current = code;
    this.#documentTypes = documentTypesOf(code);
  }

  /** Validator of a table's documents; null when any document fits. */
  documentType(component: ComponentPath, tableName: string): ValidatorJson | null {
    return this.#documentTypes.get(`${component}:${tableName}`) ?? null;
  }
}

function documentTypesOf(code: DeployedCode): Map<string, ValidatorJson> {
  const types = new Map<string, ValidatorJson>();
  for (const { path, schema } of Object.values(code.components)) {
    if (!schema?.schemaValidation) continue;
    for (const { tableName, documentType } of schema.tables) {
      if (documentType && documentType.type !== "any") types.set(`${path}:${tableName}`, documentType);
    }
  }
  return types;
}
