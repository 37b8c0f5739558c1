/** ctx.db: get, insert, patch, replace, delete, count, normalizeId. */
import type { CatalogTable } from "../store/catalog.ts";
import { isObjectValue } from "../values/convexJson.ts";
import type { ObjectValue } from "../values/convexJson.ts";
import { decodeValue } from "../values/convexJson.ts";
import { tableNumberOfId } from "../values/documentId.ts";
import { checkDocumentBody } from "../values/documentRules.ts";
import { indexKey } from "../values/indexKey.ts";
import { decodeOrUndefined } from "./filterExpression.ts";
import type { FunctionFrame } from "./functionRun.ts";
import { isRecord } from "./syscallArgs.ts";
import type { SyscallArgs } from "./syscallArgs.ts";

export function getDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = documentArgs(frame, args, "db.get");
  if (table.name.startsWith("_") !== args.flag("isSystem")) {
    const [kind, method] = args.flag("isSystem") ? ["User", "get"] : ["System", "system.get"];
    throw new Error(`${kind} tables can only be accessed from db.${method}().`);
  }
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
  frame.request.transaction.update(table, id, "Replace", (old) => {
    checkSystemFields(old, body);
    return body;
  });
  return "null";
}

export function patchDocument(frame: FunctionFrame, args: SyscallArgs): string {
  const { id, table } = writableDocument(frame, args, "db.patch");
  const patch = args.json("value");
  if (!isRecord(patch)) throw new Error("Invalid argument `value` for `db.patch`: Value must be an Object");
  const changes = Object.entries(patch).map(([field, json]) => [field, decodeOrUndefined(json)] as const);
  frame.request.transaction.update(table, id, "Update", (old) => {
    const body: ObjectValue = { ...old };
    for (const [field, value] of changes) {
      if (value === undefined) delete body[field];
      else body[field] = value;
    }
    checkSystemFields(old, body);
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
    throw new Error(
      `Invalid argument \`id\` for \`${method}\`: Unable to decode ID: '${id}' is not a document ID`,
    );
  }
  const table = frame.request.transaction.catalog.tableByNumber(number);
  if (!table || table.component !== frame.fn.componentPath) {
    throw new Error(`Invalid argument \`id\` for \`${method}\`: Table for ID '${id}' not found`);
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
  checkTableName(document.table.name);
  return document;
}

function checkTableName(name: string): void {
  if (name.startsWith("_")) throw new Error("System tables (prefixed with `_`) are read-only.");
  if (!/^[a-zA-Z][a-zA-Z0-9_]{0,63}$/.test(name)) {
    throw new Error(
      `Invalid table name ${JSON.stringify(name)}: it must start with a letter, contain only letters, digits and ` +
        "underscores, and have at most 64 characters.",
    );
  }
}

function bodyArg(args: SyscallArgs, method: string): ObjectValue {
  const value = decodeValue(args.json("value"));
  if (!isObjectValue(value))
    throw new Error(`Invalid argument \`value\` for \`${method}\`: Value must be an Object`);
  checkDocumentBody(value);
  return value;
}

/** A document may be written back with its own system fields, not with others. */
function checkSystemFields(old: ObjectValue, body: ObjectValue): void {
  for (const field of ["_id", "_creationTime"]) {
    if (field in body && body[field] !== old[field])
      throw new Error(`The system field \`${field}\` cannot be changed`);
  }
}
