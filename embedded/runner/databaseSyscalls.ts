/** ctx.db: get, insert, patch, replace, delete, count, normalizeId. */
import type { CatalogTable } from "../store/catalog.ts";
import { decodeValue, isObjectValue, refusePrototypes } from "../values/convexJson.ts";
import type { ObjectValue } from "../values/convexJson.ts";
import { idProblem, tableNumberOfId } from "../values/documentId.ts";
import { checkDocumentBody } from "../values/documentRules.ts";
import { indexKey } from "../values/indexKey.ts";
import { identifierProblem } from "../values/valueRules.ts";
import { decodeOrUndefined } from "./filterExpression.ts";
import type { FunctionFrame } from "./functionRun.ts";
import { isRecord } from "./syscallArgs.ts";
import type { SyscallArgs } from "./syscallArgs.ts";

export function getDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = documentArgs(frame, args, "db.get");
  checkAccess(table.name, args.flag("isSystem"));
  return frame.request.transaction.get(table, id)?.json ?? "null";
}

export function insertDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const table = args.string("table");
  checkTableName(table);
  const body = bodyArg(args, "db.insert");
  return JSON.stringify({ _id: frame.request.transaction.insert(frame.fn.componentPath, table, body) });
}

export function replaceDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = writableDocument(frame, args, "db.replace");
  const body = bodyArg(args, "db.replace");
  frame.request.transaction.update(table, id, "Replace", () => body);
  return "null";
}

export function patchDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = writableDocument(frame, args, "db.patch");
  const patch = args.json("value");
  if (!isRecord(patch)) throw new Error("Invalid argument `value` for `db.patch`: Value must be an Object");
  const changes = decodedArg("db.patch", () => {
    refusePrototypes(patch);
    return Object.entries(patch).map(([field, json]) => [field, decodeOrUndefined(json)] as const);
  });
  frame.request.transaction.update(table, id, "Update", (old) => {
    const body: ObjectValue = { ...old };
    for (const [field, value] of changes) {
      if (value === undefined) delete body[field];
      else body[field] = value;
    }
    checkDocumentBody(body);
    return body;
  });
  return "null";
}

export function removeDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = writableDocument(frame, args, "db.delete");
  frame.request.transaction.remove(table, id);
  return "null";
}

export function countDocuments(frame: FunctionFrame, args: SyscallArgs): string {
  const { transaction } = frame.request;
  const table = transaction.readTable(frame.fn.componentPath, args.string("table"));
  if (!table) return "0";
  transaction.reads.add(table.byId.id, { lower: indexKey([]), upper: null });
  const row = transaction.database.get(
    "SELECT COUNT(*) AS count FROM documents WHERE table_number = ?",
    table.number,
  );
  return String(row?.["count"]);
}

export function normalizeId(frame: FunctionFrame, args: SyscallArgs): string {
  const id = args.string("idString");
  const number = tableNumberOfId(id);
  const name = number === null ? null : frame.request.transaction.tableNames(frame.fn.componentPath)(number);
  return JSON.stringify({ id: name === args.string("table") ? id : null });
}

function documentArgs(
  frame: FunctionFrame,
  args: SyscallArgs,
  method: string,
): { id: string; table: CatalogTable } {
  const id = args.string("id");
  const number = tableNumberOfId(id);
  if (number === null) {
    throw new Error(`Invalid argument \`id\` for \`${method}\`: Unable to decode ID: ${idProblem(id)}`);
  }
  const table = frame.request.transaction.catalog.tableByNumber(number);
  if (!table || table.component !== frame.fn.componentPath) {
    throw new Error(`Invalid argument \`id\` for \`${method}\`: Table for ID "${id}" not found`);
  }
  const requested = args.optionalString("table");
  if (requested !== null && requested !== table.name) {
    throw new Error(
      `Invalid argument \`id\` for \`${method}\`: expected to be an Id<"${requested}">, got Id<"${table.name}"> instead.`,
    );
  }
  return { id, table };
}

function writableDocument(
  frame: FunctionFrame,
  args: SyscallArgs,
  method: string,
): { id: string; table: CatalogTable } {
  const document = documentArgs(frame, args, method);
  checkAccess(document.table.name, false);
  return document;
}

function checkTableName(name: string): void {
  const problem = identifierProblem(name);
  if (problem !== null) throw new Error(`Invalid argument \`table\` for \`db.insert\`: ${problem}`);
  checkAccess(name, false);
}

/** System tables are only read, and only through `db.system`. */
function checkAccess(tableName: string, isSystem: boolean): void {
  if (tableName.startsWith("_") === isSystem) return;
  throw new Error(
    isSystem
      ? "User tables cannot be accessed with db.system."
      : "System tables can only be accessed with db.system.",
  );
}

function bodyArg(args: SyscallArgs, method: string): ObjectValue {
  const value = decodedArg(method, () => decodeValue(args.json("value")));
  if (!isObjectValue(value))
    throw new Error(`Invalid argument \`value\` for \`${method}\`: Value must be an Object`);
  checkDocumentBody(value);
  return value;
}

function decodedArg<Decoded>(method: string, decode: () => Decoded): Decoded {
  try {
    return decode();
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new Error(`Invalid argument \`value\` for \`${method}\`: ${problem}`, { cause: error });
  }
}
