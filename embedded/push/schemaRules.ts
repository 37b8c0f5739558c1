/** What a schema may declare, with Convex's messages: names, indexes and the fields they reach. */
import type { ValidatorJson } from "../protocol/deployedCode.ts";
import { DeploymentError } from "../protocol/deploymentError.ts";
import type { AnalyzedIndex, AnalyzedSchema, AnalyzedTable } from "../protocol/pushMessages.ts";
import { identifierProblem } from "../values/valueRules.ts";
import { checkSearchIndexes, searchIndexesOf } from "./searchIndexRules.ts";

const maxIndexesPerTable = 64;
const maxFieldsPerIndex = 16;
const maxTables = 10_000;

/** @throws DeploymentError with code SchemaDefinitionError that names table, index and rule. */
export function checkSchemaRules(schema: AnalyzedSchema): void {
  if (schema.tables.length > maxTables) throw broken(`Number of tables cannot exceed ${maxTables}.`);
  for (const table of schema.tables) {
    checkTableName(table.tableName);
    checkIndexNames(table);
    const indexes = databaseIndexes(table);
    for (const index of indexes) checkFields(table, index);
    refuseEqualIndexes(table.tableName, indexes);
    const problem = checkSearchIndexes(table);
    if (problem !== null) throw broken(problem);
    if (schema.schemaValidation) checkReferences(table, indexes);
  }
}

function databaseIndexes({ indexes, stagedDbIndexes = [] }: AnalyzedTable): AnalyzedIndex[] {
  return [...indexes, ...stagedDbIndexes];
}

function checkTableName(name: string): void {
  if (!isIdentifier(name)) {
    throw broken(
      `Invalid table name: "${name}". Identifiers must start with a letter and can only contain letters, digits, ` +
        "and underscores.",
    );
  }
  if (name.startsWith("_")) throw broken(`${name} is a reserved table name.`);
}

/** Names are one set for all kinds of indexes of a table. */
function checkIndexNames(table: AnalyzedTable): void {
  const { tableName, vectorIndexes = [], stagedVectorIndexes = [] } = table;
  const vector = [...vectorIndexes, ...stagedVectorIndexes] as { indexDescriptor: string }[];
  const named = [...databaseIndexes(table), ...searchIndexesOf(table), ...vector];
  if (named.length > maxIndexesPerTable)
    throw broken(`Table "${tableName}" cannot have more than ${maxIndexesPerTable} indexes.`);
  const seen = new Set<string>();
  for (const { indexDescriptor: name } of named) {
    if (!isIdentifier(name)) {
      throw broken(
        `In table "${tableName}": Invalid index name: "${name}". Identifiers must be 64 characters or less, start ` +
          "with a letter, and only contain letters, digits, underscores.",
      );
    }
    if (name.startsWith("_") || name === "by_id" || name === "by_creation_time") {
      throw broken(
        `In table "${tableName}" cannot name an index "${name}" because the name is reserved. Indexes may not start ` +
          'with an underscore or be named "by_id" or "by_creation_time".',
      );
    }
    if (seen.has(name)) throw broken(`Table "${tableName}" has two or more definitions of index "${name}".`);
    seen.add(name);
  }
}

function checkFields({ tableName, stagedDbIndexes = [] }: AnalyzedTable, index: AnalyzedIndex): void {
  const { indexDescriptor: name, fields } = index;
  const staged = stagedDbIndexes.includes(index) ? "staged " : "";
  const inIndex = `In table "${tableName}": In index "${name}":`;
  if (fields.length === 0)
    throw broken(`In table "${tableName}" ${staged}index "${name}" must have at least one field.`);
  if (fields.length > maxFieldsPerIndex)
    throw broken(`${inIndex} Indexes may have up to ${maxFieldsPerIndex} fields.`);
  for (const [position, field] of fields.entries()) {
    if (!field.split(".").every(isIdentifier)) throw broken(`${inIndex} Invalid index field: "${field}"`);
    if (field === "_id")
      throw broken("`_id` is not a valid index field. To load documents by ID, use `db.get(id)`.");
    if (field === "_creationTime") {
      throw broken(
        "`_creationTime` is automatically added to the end of each index. It should not be added explicitly in the " +
          "index definition. See https://docs.convex.dev/using/indexes for more details.",
      );
    }
    if (field.startsWith("_"))
      throw broken("Reserved fields (starting with `_`) are not allowed in indexes.");
    if (fields.indexOf(field) !== position)
      throw broken(`${inIndex} Duplicate field "${field}". Index fields must be unique within an index.`);
  }
}

function refuseEqualIndexes(tableName: string, indexes: AnalyzedIndex[]): void {
  const seen = new Map<string, string>();
  for (const { indexDescriptor: name, fields } of indexes) {
    const key = JSON.stringify(fields);
    const other = seen.get(key);
    if (other !== undefined) {
      throw broken(
        `In table "${tableName}" index "${name}" and index "${other}" have the same fields. Indexes must be unique ` +
          "within a table.",
      );
    }
    seen.set(key, name);
  }
}

function checkReferences(table: AnalyzedTable, indexes: AnalyzedIndex[]): void {
  const { tableName, documentType } = table;
  if (documentType === null) return;
  const searched = searchIndexesOf(table).map(({ indexDescriptor, searchField, filterFields }) => ({
    indexDescriptor,
    fields: [searchField, ...filterFields],
  }));
  for (const { indexDescriptor: name, fields } of [...indexes, ...searched]) {
    const missing = fields.find((field) => !canContain(documentType, field.split(".")));
    if (missing === undefined) continue;
    throw broken(
      `In table "${tableName}" the index "${name}" is invalid because it references the field "${missing}" that does ` +
        "not exist.",
    );
  }
}

/** Whether some value that fits the validator has the field. */
function canContain(validator: ValidatorJson, [first, ...rest]: string[]): boolean {
  if (first === undefined || validator.type === "any") return true;
  if (validator.type === "union")
    return validator.value.some((member) => canContain(member, [first, ...rest]));
  if (validator.type !== "object") return false;
  const field = validator.value[first];
  return field !== undefined && canContain(field.fieldType, rest);
}

function isIdentifier(text: string): boolean {
  return identifierProblem(text) === null;
}

function broken(message: string): DeploymentError {
  return new DeploymentError(
    "SchemaDefinitionError",
    `Hit an error while evaluating your schema:\n${message}`,
  );
}
