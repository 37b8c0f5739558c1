import { expect, test } from "vitest";
import { queries, stepCalls } from "../../support/stepRealmFixture.ts";

/** Each must work in a kept realm, at the first attempt, and the second time as the first. */
const patterns: Record<string, [body: string, result: unknown]> = {
  "an error class that names itself": [
    `class NotFound extends Error { constructor(m) { super(m); this.name = "NotFound"; this.message = m + "!"; } }
     const e = new NotFound("x"); return [e.name, e.message, String(e), e instanceof NotFound, e instanceof Error]`,
    ["NotFound", "x!", "NotFound: x!", true, true],
  ],
  "an error class of ES5": [
    `function Old(message) { this.message = message; this.stack = new Error().stack; }
     Old.prototype = Object.create(Error.prototype); Old.prototype.constructor = Old; Old.prototype.name = "Old";
     Old.prototype.toString = function () { return "old " + this.message };
     return [String(new Old("x")), new Old("x") instanceof Error, new Old("x").constructor === Old]`,
    ["old x", true, true],
  ],
  "methods of Object.prototype on an object of one's own": [
    `const o: any = {}; o.toString = () => "mine"; o.valueOf = () => 7; o.hasOwnProperty = 1; o.constructor = "c";
     return [String(o), +o, o.hasOwnProperty, o.constructor, Object.keys(o)]`,
    ["mine", 7, 1, "c", ["toString", "valueOf", "hasOwnProperty", "constructor"]],
  ],
  "a class hierarchy as TypeScript emits it for ES5": [
    `var __extends = (function () { var extendStatics = function (d, b) { extendStatics = Object.setPrototypeOf; return extendStatics(d, b); };
       return function (d, b) { extendStatics(d, b); function __() { this.constructor = d; } d.prototype = b === null ? Object.create(b) : (__.prototype = b.prototype, new __()); }; })();
     var Base = (function () { function Base() {} Base.prototype.toString = function () { return "base"; }; return Base; })();
     var Sub = (function (_super) { __extends(Sub, _super); function Sub() { return _super !== null && _super.apply(this, arguments) || this; } return Sub; })(Base);
     return [String(new Sub()), new Sub().constructor === Sub, new Sub() instanceof Base]`,
    ["base", true, true],
  ],
  "decorators and awaiters of TypeScript": [
    `var __assign = function () { __assign = Object.assign || function (t) { return t; }; return __assign.apply(this, arguments); };
     var __awaiter = function (thisArg, _arguments, P, generator) { return new (P || (P = Promise))(function (resolve, reject) {
       function step(result) { result.done ? resolve(result.value) : Promise.resolve(result.value).then((v) => step(generator.next(v)), reject); }
       step((generator = generator.apply(thisArg, _arguments || [])).next()); }); };
     return [__assign({}, { a: 1 }), await __awaiter(this, void 0, void 0, function* () { return (yield Promise.resolve(2)) + 1 })]`,
    [{ a: 1 }, 3],
  ],
  "a registry on globalThis, as zod keeps one": [
    `(globalThis as any).__zod_globalRegistry ??= new Map(); (globalThis as any).__zod_globalRegistry.set("a", 1);
     return (globalThis as any).__zod_globalRegistry.size`,
    1,
  ],
  "checks for polyfills": [
    `if (!Array.prototype.flat) (Array.prototype as any).flat = () => []; if (!Object.hasOwn) (Object as any).hasOwn = 1;
     if (typeof globalThis.structuredClone !== "function") (globalThis as any).structuredClone = 1;
     return [typeof Promise.withResolvers, [[1]].flat(), typeof Symbol.asyncIterator]`,
    ["function", [1], "symbol"],
  ],
  "functions with properties": [
    `const f: any = function f() {}; f.toString = () => "f"; f.call = 1; f.apply = 2; f.bind = 3; f.isQuery = true; f.prototype.toString = () => "made";
     return [String(f), f.call, f.isQuery, String(new f())]`,
    ["f", 1, true, "made"],
  ],
  "subclasses of built-in classes": [
    `class List extends Array { push(...x) { return super.push(...x.map((n) => n * 2)) } last() { return this[this.length - 1] } }
     class Table extends Map { get(k) { return super.get(k) ?? "none" } }
     class Task extends Promise {} class Pattern extends RegExp {} class Bytes extends Uint8Array {}
     const l = new List(); l.push(1, 2); const mapped = l.map((x) => x + 1);
     return [l.last(), mapped instanceof List, new Table().get("x"), await Task.resolve(3), new Pattern("a").test("a"), new Bytes(2).length]`,
    [4, true, "none", 3, true, 2],
  ],
  "own methods on arrays, maps, promises and dates": [
    `const a: any = [1]; a.map = () => "mapped"; const m: any = new Map(); m.get = () => "got"; const p: any = Promise.resolve(1); p.finally = 1;
     const d: any = new Date(0); d.toJSON = () => "json"; const b: any = new Uint8Array(1); b.slice = () => "slice"; const u: any = new URL("http://a"); u.toString = () => "url";
     return [a.map(), m.get(), p.finally, JSON.stringify(d), b.slice(), String(u)]`,
    ["mapped", "got", 1, `"json"`, "slice", "url"],
  ],
  "JSON, copies and comparison": [
    `const copy = structuredClone({ a: [1, new Date(5)] }); return [{ ...copy }.a.length, Object.assign({}, { toString: 1 }), JSON.parse('{"__proto__x":1,"constructor":2}')]`,
    [2, { toString: 1 }, { __proto__x: 1, constructor: 2 }],
  ],
  "patterns and iterators": [
    `const r = /(\\d)-(\\d)/g; return ["1-2 3-4".replace(r, "$2-$1"), [..."1-2".matchAll(r)].length, "a,b".split(/,/), [...new Set([1, 1, 2])], Array.from({ length: 2 }, (_, i) => i), [3, 1, 2].toSorted()]`,
    ["2-1 4-3", 1, ["a", "b"], [1, 2], [0, 1], [1, 2, 3]],
  ],
  "console shows values as ever": [
    `console.log({ a: [1] }, new Map([[1, 2]]), new (class Point { x = 1 })(), new Error("e").name, new Uint8Array(2)); return null`,
    null,
  ],
};

test.each(Object.entries(patterns))("%s", async (_, [body, result]) => {
  const { call, attempts, log, logLines } = await stepCalls({ "m.ts": queries({ run: body }) });
  expect(call("m:run")).toEqual(result);
  expect(call("m:run")).toEqual(result);
  expect([attempts(), log]).toEqual([2, []]);
  for (const line of logLines) {
    expect(line).toBe("[LOG] { a: [ 1 ] } Map(1) { 1 => 2 } Point { x: 1 } 'Error' Uint8Array(2) [ 0, 0 ]");
  }
});
