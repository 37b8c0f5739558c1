/** The `Range` header of a download, one range as Convex serves it: https://www.rfc-editor.org/rfc/rfc9110#name-range */

export type ByteRange =
  | { status: "whole" }
  /** Both ends included. */
  | { status: "part"; start: number; end: number }
  | { status: "unsatisfiable" };

/** A header that is none, or of another unit, is ignored, as the standard wants. */
export function parseByteRange(header: string | undefined, size: number): ByteRange {
  const list = /^bytes=(.*)$/i.exec(header?.trim() ?? "")?.[1];
  if (list === undefined) return { status: "whole" };
  const ranges = list.split(",").map((range) => /^\s*(\d*)-(\d*)\s*$/.exec(range));
  if (ranges.some((match) => match === null || match[0].trim() === "-")) return { status: "whole" };
  if (ranges.length !== 1) return { status: "unsatisfiable" };
  const [, first = "", last = ""] = ranges[0]!;
  if (size === 0) return { status: "whole" };
  return first === "" ? lastBytes(Number(last), size) : between(Number(first), last, size);
}

function lastBytes(count: number, size: number): ByteRange {
  if (count === 0) return { status: "unsatisfiable" };
  return { status: "part", start: Math.max(0, size - count), end: size - 1 };
}

function between(start: number, last: string, size: number): ByteRange {
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && Number(last) < start) return { status: "whole" };
  return start >= size ? { status: "unsatisfiable" } : { status: "part", start, end };
}
