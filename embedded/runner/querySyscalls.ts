/** ctx.db.query: streams of documents, and pages. */
import type { FunctionFrame } from "./functionRun.ts";
import { planQuery } from "./queryPlan.ts";
import type { SyscallArgs } from "./syscallArgs.ts";

export function openQuery(frame: FunctionFrame, args: SyscallArgs): string {
  const plan = planQuery(frame.request.transaction, frame.fn.componentPath, args.object("query"));
  return JSON.stringify({ queryId: frame.streams.open(plan) });
}

export function nextOfQuery(frame: FunctionFrame, args: SyscallArgs): string {
  const json = frame.streams.next(args.number("queryId"));
  return json === null ? '{"value":null,"done":true}' : `{"value":${json},"done":false}`;
}

export function cleanUpQuery(frame: FunctionFrame, args: SyscallArgs): string {
  frame.streams.close(args.number("queryId"));
  return "null";
}

export function readPage(frame: FunctionFrame, args: SyscallArgs): string {
  const { fn, request, services } = frame;
  if (fn.componentPath !== "") {
    throw new Error(
      "paginate() is only supported in the app. Learn more at https://docs.convex.dev/components/authoring#pagination",
    );
  }
  if (frame.hasPaginated) {
    throw new Error(
      "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
    );
  }
  frame.hasPaginated = true;
  const query = args.object("query");
  const plan = planQuery(request.transaction, fn.componentPath, query);
  const result = services.paginator.readPage(request.transaction, plan, {
    fingerprint: JSON.stringify(args.json("query")),
    cursor: args.optionalString("cursor"),
    endCursor: args.optionalString("endCursor") ?? request.journal,
    pageSize: args.number("pageSize"),
    maximumRowsRead: args.optionalNumber("maximumRowsRead"),
    maximumBytesRead: args.optionalNumber("maximumBytesRead"),
  });
  request.journal = result.continueCursor;
  const { page, ...rest } = result;
  const documents = page.map((document) => document.json).join(",");
  return `${JSON.stringify(rest).slice(0, -1)},"page":[${documents}]}`;
}
