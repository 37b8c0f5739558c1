/**
 * The queries that the CLI and the dashboard expect of every deployment, `_system/…`: native functions behind the query
 * path, for admins. They are not transactions: each reads the state of the moment.
 */
import { hash } from "node:crypto";
import type { Caller, FunctionResult } from "../protocol/calls.ts";
import type { ComponentPath } from "../protocol/deployedCode.ts";
import type { Engine } from "../protocol/engine.ts";
import { apiSpec } from "./apiSpec.ts";

export interface SystemCall {
  componentPath: ComponentPath;
  name: string;
  argsJson: string;
  caller: Caller;
}

type SystemQuery = (engine: Engine, componentPath: ComponentPath, args: Record<string, unknown>) => unknown;

/** What `convex dev` watches after a schema did not fit: enough of the table to see that somebody mends it. */
const watchedDocuments = 10_000;

export function isSystemFunction(name: string): boolean {
  return name.startsWith("_system/");
}

/** The URL is the deployment port's. */
export function createSystemQueries(engine: Engine, url: string): (call: SystemCall) => FunctionResult {
  const queries: Record<string, SystemQuery> = {
    ...systemQueries,
    "_system/cli/convexUrl.js:cloudUrl": () => url,
  };
  return ({ componentPath, name, argsJson, caller }) => {
    const query = queries[name];
    // Convex tells a stranger no more than that there is no such function.
    if (query === undefined || caller.kind !== "admin")
      return failed(`Could not find function for '${name}'.`);
    if (componentPath !== "" && engine.code()?.components[componentPath] === undefined) {
      return failed(`There is no component "${componentPath}" in this deployment.`);
    }
    const args = JSON.parse(argsJson) as Record<string, unknown>;
    return {
      status: "success",
      valueJson: JSON.stringify(query(engine, componentPath, args) ?? null),
      logLines: [],
    };
  };
}

function failed(message: string): FunctionResult {
  return { status: "error", message, logLines: [] };
}

const systemQueries: Record<string, SystemQuery> = {
  "_system/cli/queryEnvironmentVariables.js:default": (engine) =>
    Object.entries(engine.environmentVariables())
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value })),
  "_system/cli/queryEnvironmentVariables.js:get": (engine, _componentPath, { name }) => {
    const value = engine.environmentVariables()[String(name)];
    return value === undefined ? null : { name, value };
  },
  "_system/cli/tables.js:default": (engine, componentPath, { paginationOpts }) =>
    page(
      engine.listTables(componentPath).map(({ name }) => ({ name })),
      paginationOpts,
    ),
  "_system/cli/tableData.js:default": (engine, componentPath, { table, order, paginationOpts }) => {
    const { offset, numItems } = readPagination(paginationOpts);
    const documents = engine.readTable(
      componentPath,
      String(table),
      order === "asc" ? "asc" : "desc",
      offset + numItems + 1,
    );
    return page(documents, paginationOpts);
  },
  "_system/cli/tableSize.js:default": (engine, componentPath, { tableName }) =>
    engine.listTables(componentPath).find(({ name }) => name === tableName)?.documents ?? 0,
  /** Changes whenever the table does. */
  "_system/cli/queryTable.js:default": (engine, componentPath, { tableName }) =>
    hash(
      "sha256",
      JSON.stringify(engine.readTable(componentPath, String(tableName), "desc", watchedDocuments)),
    ),
  "_system/cli/modules.js:apiSpec": (engine, componentPath) =>
    apiSpec(engine.code()?.components[componentPath]),
  /** `convex import` asks for those under way before it uploads, which is refused. */
  "_system/cli/queryImport.js:list": () => [],
  "_system/frontend/components.js:list": (engine) =>
    Object.values(engine.code()?.components ?? {}).map(({ path }) => ({
      id: path,
      path,
      name: path.split("/").pop() ?? "",
      args: {},
      state: "active",
    })),
};

/** A cursor is the number of rows before the page. */
function readPagination(paginationOpts: unknown): { offset: number; numItems: number } {
  const { cursor, numItems } = (paginationOpts ?? {}) as { cursor?: unknown; numItems?: unknown };
  const offset = typeof cursor === "string" ? Number.parseInt(cursor, 10) : 0;
  return {
    offset: Number.isNaN(offset) ? 0 : offset,
    numItems: typeof numItems === "number" ? numItems : 100,
  };
}

function page(
  rows: unknown[],
  paginationOpts: unknown,
): { page: unknown[]; isDone: boolean; continueCursor: string } {
  const { offset, numItems } = readPagination(paginationOpts);
  const end = offset + numItems;
  return {
    page: rows.slice(offset, end),
    isDone: rows.length <= end,
    continueCursor: String(Math.min(end, rows.length)),
  };
}
