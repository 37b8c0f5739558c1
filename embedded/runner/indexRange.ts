/** The interval of an index that a range expression means, with the rules and errors of Convex. */
import type { CatalogIndex } from "../store/catalog.ts";
import type { KeyInterval } from "../transaction/readSet.ts";
import type { Value } from "../values/convexJson.ts";
import { indexKey, keyAfterPrefix } from "../values/indexKey.ts";
import type { IndexKey } from "../values/indexKey.ts";
import { valueText } from "../values/validatorText.ts";

export interface RangeExpression {
  type: string;
  fieldPath: string;
  value: Value | undefined;
}

interface Bound {
  value: Value | undefined;
  isIncluded: boolean;
}

interface SplitRange {
  equalities: Map<string, Value | undefined>;
  inequality: { fieldPath: string; lower: Bound | null; upper: Bound | null } | null;
}

const SEE_INDEXES = "https://docs.convex.dev/using/indexes";

/**
 * Equalities, in any order, must be on the first fields of the index; bounds on the one after them.
 * @throws Error when they are not.
 */
export function rangeInterval(
  tableName: string,
  index: CatalogIndex,
  range: readonly RangeExpression[],
): KeyInterval {
  const indexName = `${tableName}.${index.name}`;
  const { equalities, inequality } = splitRange(indexName, range);
  checkFields(indexName, index, equalities, inequality?.fieldPath);
  const equal = index.fields.slice(0, equalities.size).map((field) => equalities.get(field));
  const prefix = indexKey(equal);
  const lower = inequality?.lower ?? null;
  const upper = inequality?.upper ?? null;
  return {
    lower: lower ? lowerKey(indexKey([...equal, lower.value]), lower.isIncluded) : prefix,
    upper: upper ? upperKey(indexKey([...equal, upper.value]), upper.isIncluded) : keyAfterPrefix(prefix),
  };
}

function lowerKey(bound: IndexKey, isIncluded: boolean): IndexKey {
  return isIncluded ? bound : (keyAfterPrefix(bound) ?? bound);
}

function upperKey(bound: IndexKey, isIncluded: boolean): IndexKey | null {
  return isIncluded ? keyAfterPrefix(bound) : bound;
}

function splitRange(indexName: string, range: readonly RangeExpression[]): SplitRange {
  const equalities: SplitRange["equalities"] = new Map();
  let inequality: SplitRange["inequality"] = null;
  for (const { type, fieldPath, value } of range) {
    if (type === "Eq") {
      if (equalities.has(fieldPath)) {
        // Convex names the value that was there before.
        throw alreadyBound("equality", fieldPath, "==", equalities.get(fieldPath));
      }
      equalities.set(fieldPath, value);
      continue;
    }
    const side = type === "Gt" || type === "Gte" ? "lower" : "upper";
    if (inequality?.[side]) throw alreadyBound(side, fieldPath, COMPARATORS[type] ?? type, value);
    if (inequality && inequality.fieldPath !== fieldPath) {
      throw new Error(
        "Upper and lower bounds in `range` can only be applied to a single index field. This query against index " +
          `${indexName} attempted to set a range bound on both "${inequality.fieldPath}" and "${fieldPath}". ` +
          `Consider using \`filter\` instead. See ${SEE_INDEXES} for more info.`,
      );
    }
    inequality ??= { fieldPath, lower: null, upper: null };
    inequality[side] = { value, isIncluded: type === "Gte" || type === "Lte" };
  }
  if (inequality && equalities.has(inequality.fieldPath)) {
    const { fieldPath } = inequality;
    throw alreadyBound("inequality", fieldPath, "==", equalities.get(fieldPath));
  }
  return { equalities, inequality };
}

const COMPARATORS: Readonly<Record<string, string>> = { Gt: ">", Gte: ">=", Lt: "<", Lte: "<=" };

function checkFields(
  indexName: string,
  { fields }: CatalogIndex,
  equalities: SplitRange["equalities"],
  inequalityField: string | undefined,
): void {
  const indexFields = `[${fields.slice(0, -1).map(quoted).join(", ")}]`;
  const used = [...equalities.keys(), ...(inequalityField === undefined ? [] : [inequalityField])];
  const unknown = used.find((field) => !fields.includes(field));
  if (unknown !== undefined) {
    throw new Error(
      `The index range included a comparison with "${unknown}", but ${indexName} with fields ${indexFields} ` +
        `doesn't index this field. For more information see ${SEE_INDEXES}.`,
    );
  }
  const inOrder = [...equalities.keys()].toSorted((a, b) => fields.indexOf(a) - fields.indexOf(b));
  if (inequalityField !== undefined) inOrder.push(inequalityField);
  const firstWrong = inOrder.find((field, position) => field !== fields[position]);
  if (firstWrong === undefined) return;
  throw new Error(
    `Tried to query index ${indexName} but the query didn't use the index fields in order.\n` +
      `Index fields: ${indexFields}\nQuery fields: [${inOrder.map(quoted).join(", ")}]\n` +
      `First incorrect field: "${firstWrong}"\nFor more information see ${SEE_INDEXES}.`,
  );
}

function quoted(field: string): string {
  return `"${field}"`;
}

function alreadyBound(kind: string, fieldPath: string, comparator: string, value: Value | undefined): Error {
  const text = value === undefined ? "undefined" : valueText(value);
  return new Error(
    `Already defined ${kind} bound in index range. Can't add "${fieldPath}" ${comparator} ${text}.`,
  );
}
