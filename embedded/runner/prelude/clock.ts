/**
 * The clock of a realm as its host says it: that of a query stands still, that of an action stands still while its modules are
 * evaluated. Like `hostBoundary.ts` it is evaluated inside the realm from its own text.
 */
export function installClock(nowMs: () => number): void {
  const RealDate = Date;
  const OwnDate = function (this: unknown, ...args: unknown[]): unknown {
    if (new.target === undefined) return new RealDate(nowMs()).toString();
    return Reflect.construct(RealDate, args.length === 0 ? [nowMs()] : args, new.target);
  };
  OwnDate.prototype = RealDate.prototype;
  Object.assign(OwnDate, { now: () => nowMs(), parse: RealDate.parse, UTC: RealDate.UTC });
  Object.defineProperty(OwnDate, "name", { value: "Date" });
  Object.defineProperty(OwnDate, "length", { value: 7 });
  const define = (object: object, name: string, value: unknown): void => {
    Object.defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
  };
  define(RealDate.prototype, "constructor", OwnDate);
  define(globalThis, "Date", OwnDate);

  // Without a date they take the time of the machine.
  type Format = (date?: number | Date) => unknown;
  const formats = Intl.DateTimeFormat.prototype;
  const native = Object.getOwnPropertyDescriptors(formats) as unknown as {
    format: { get: (this: unknown) => Format };
    formatToParts: { value: (this: unknown, date: number | Date) => unknown };
  };
  const bound = new WeakMap<object, Format>();
  Object.defineProperty(formats, "format", {
    get(this: object) {
      const known = bound.get(this);
      if (known) return known;
      const format = native.format.get.call(this);
      const own: Format = (date) => format(date ?? nowMs());
      bound.set(this, own);
      return own;
    },
    configurable: true,
  });
  define(formats, "formatToParts", function (this: unknown, date?: number | Date) {
    return native.formatToParts.value.call(this, date ?? nowMs());
  });
}
