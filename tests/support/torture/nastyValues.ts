/** Values that no client of good will sends, and texts that are not even JSON. */
import type { Dice } from "./dice.ts";

/** Stands for text that is put into JSON as it is. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

const longText = "x".repeat(100_000);
const values: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 53,
  new RawJson("1e999"),
  new RawJson("-0"),
  new RawJson(`1${"0".repeat(5_000)}`),
  "",
  "constructor",
  "__proto__",
  "../../etc/passwd",
  "a/../b:c",
  "_system/cli/tables",
  "\u0000",
  "\u{1f600}".repeat(200),
  new RawJson('"\\ud800"'),
  new RawJson('"\\ud800\\ud800\\udc00"'),
  longText,
  [],
  {},
  [null],
  [[[[[]]]]],
  new RawJson("[".repeat(200) + "]".repeat(200)),
  new RawJson("[".repeat(50_000) + "]".repeat(50_000)),
  new RawJson('{"a":'.repeat(5_000) + "1" + "}".repeat(5_000)),
  new RawJson(`[${"0,".repeat(50_000)}0]`),
  new RawJson('{"__proto__":{"polluted":"yes"}}'),
  new RawJson('{"constructor":{"prototype":{"polluted":"yes"}}}'),
  new RawJson('{"a":1,"a":2}'),
  { $integer: "AAAA" },
  { $integer: [] },
  { $bytes: "?" },
  { $float: "x" },
  { $undefined: true },
  { $unknown: 1 },
  { "with space": 1, "\u0007": 2 },
  new RawJson('{"toJSON":1,"then":"x","length":-1}'),
];

export function nastyValue(dice: Dice): unknown {
  return dice.pick(values);
}

/** JSON text of a value that may hold RawJson anywhere. */
export function nastyJson(value: unknown): string {
  if (value instanceof RawJson) return value.text;
  if (value === undefined) return "null";
  if (Array.isArray(value)) return `[${value.map((item) => nastyJson(item)).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${fields.map(([key, inner]) => `${JSON.stringify(key)}:${nastyJson(inner)}`).join(",")}}`;
}

/** A copy with nasty values in one to three places. */
export function spoiled(value: unknown, dice: Dice): unknown {
  let result = value;
  for (let times = 1 + dice.below(3); times > 0; times--) result = spoilOnce(result, dice);
  return result;
}

function spoilOnce(value: unknown, dice: Dice): unknown {
  const isContainer = typeof value === "object" && value !== null && !(value instanceof RawJson);
  const keys = isContainer ? Object.keys(value) : [];
  if (keys.length === 0 || dice.chance(0.1)) return nastyValue(dice);
  const key = dice.pick(keys);
  const inner = spoilOnce((value as Record<string, unknown>)[key], dice);
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === key ? inner : (item as unknown)));
  const extra = dice.chance(0.1)
    ? { [dice.pick(["extra", "__proto__x", "toString"])]: nastyValue(dice) }
    : {};
  return { ...(value as object), [key]: inner, ...extra };
}

/** The text as a careless or hostile sender leaves it. */
export function mangled(text: string, dice: Dice): Buffer {
  const bytes = Buffer.from(text);
  switch (dice.below(8)) {
    case 0:
      return bytes.subarray(0, dice.below(bytes.length + 1));
    case 1:
      return Buffer.concat([bytes, Buffer.from(dice.pick(["}", "\u0000", "{}", ",", "\n\n"]))]);
    case 2:
      return Buffer.concat([Buffer.from("\ufeff"), bytes]);
    case 3: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[dice.below(copy.length)] = dice.below(256);
      return copy;
    }
    case 4:
      return Buffer.concat([
        bytes.subarray(0, bytes.length >> 1),
        Buffer.from([0xff, 0xfe, 0xc0, 0x80]),
        bytes.subarray(bytes.length >> 1),
      ]);
    default:
      return bytes;
  }
}
