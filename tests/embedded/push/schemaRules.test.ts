import { expect, test } from "vitest";

import { checkSchemaRules } from "../../../embedded/push/schemaRules.ts";
import type { AnalyzedTable } from "../../../embedded/protocol/pushMessages.ts";

const table = (fields: Partial<AnalyzedTable>): AnalyzedTable => ({
  tableName: "notes",
  indexes: [],
  documentType: null,
  ...fields,
});
const index = (indexDescriptor: string, ...fields: string[]): AnalyzedTable["indexes"][number] => ({
  indexDescriptor,
  fields,
});
const search = (
  indexDescriptor: string,
  searchField: string,
  ...filterFields: string[]
): NonNullable<AnalyzedTable["searchIndexes"]>[number] => ({ indexDescriptor, searchField, filterFields });
const many = <Item>(count: number, make: (n: number) => Item): Item[] =>
  Array.from({ length: count }, (_, n) => make(n));

function problemOf(...tables: AnalyzedTable[]): string {
  try {
    checkSchemaRules({ tables, schemaValidation: true });
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
}

test("a schema at its limits is taken", () => {
  const wide = index("wide", ...many(16, (n) => `f${n}.g`));
  const indexes = [wide, ...many(62, (n) => index(`i${n}`, `f${n}`))];
  const searchIndexes = [search("words", "body", ...many(16, (n) => `f${n}`))];
  expect(problemOf(table({ indexes, searchIndexes }), table({ tableName: "a".repeat(64) }))).toBe("none");
});

test.each<[string, Partial<AnalyzedTable>, string]>([
  [
    "a table name with a dash",
    { tableName: "a-b" },
    'Invalid table name: "a-b". Identifiers must start with a letter',
  ],
  ["a system table", { tableName: "_notes" }, "_notes is a reserved table name."],
  [
    "an index name with a dot",
    { indexes: [index("a.b", "f")] },
    'Invalid index name: "a.b". Identifiers must be 64 characters or less',
  ],
  ["by_id", { indexes: [index("by_id", "f")] }, 'cannot name an index "by_id" because the name is reserved.'],
  [
    "a leading underscore",
    { searchIndexes: [search("_s", "f")] },
    'cannot name an index "_s" because the name is reserved.',
  ],
  [
    "one name for two kinds",
    { indexes: [index("a", "f")], stagedSearchIndexes: [search("a", "f")] },
    'Table "notes" has two or more definitions of index "a".',
  ],
  [
    "no fields",
    { stagedDbIndexes: [index("a")] },
    'In table "notes" staged index "a" must have at least one field.',
  ],
  ["_id", { indexes: [index("a", "_id")] }, "`_id` is not a valid index field."],
  [
    "_creationTime",
    { indexes: [index("a", "_creationTime")] },
    "`_creationTime` is automatically added to the end of each index.",
  ],
  ["a path with a hole", { indexes: [index("a", "b..c")] }, 'In index "a": Invalid index field: "b..c"'],
  [
    "a search path with a hole",
    { searchIndexes: [search("a", "b.")] },
    'In index "a": Invalid index field: "b."',
  ],
  [
    "a field twice",
    { indexes: [index("a", "b", "b")] },
    'Duplicate field "b". Index fields must be unique within an index.',
  ],
  ["17 fields", { indexes: [index("a", ...many(17, (n) => `f${n}`))] }, "Indexes may have up to 16 fields."],
  [
    "17 filter fields",
    { searchIndexes: [search("a", "b", ...many(17, (n) => `f${n}`))] },
    "Search indexes may have up to 16 filter fields.",
  ],
  [
    "65 indexes",
    { indexes: many(65, (n) => index(`i${n}`, `f${n}`)) },
    'Table "notes" cannot have more than 64 indexes.',
  ],
  [
    "the same fields twice",
    { indexes: [index("a", "f")], stagedDbIndexes: [index("b", "f")] },
    'In table "notes" index "b" and index "a" have the same fields.',
  ],
  [
    "the same search twice",
    { searchIndexes: [search("a", "f", "x", "y"), search("b", "f", "y", "x")] },
    'In table "notes" search index "b" and search index "a" have the same `searchField`.',
  ],
])("%s is refused in Convex's words", (_what, fields, sentence) => {
  expect(problemOf(table(fields))).toContain(sentence);
});

test("a deployment has at most 10,000 tables", () => {
  expect(problemOf(...many(10_001, (n) => table({ tableName: `t${n}` })))).toContain(
    "Number of tables cannot exceed 10000.",
  );
});
