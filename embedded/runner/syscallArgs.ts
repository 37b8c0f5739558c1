/** The arguments object of a syscall: JSON from user code, read field by field. */

export class SyscallArgs {
  readonly #fields: Record<string, unknown>;

  constructor(fields: unknown) {
    if (!isRecord(fields)) throw new Error("The arguments of a syscall must be an object");
    this.#fields = fields;
  }

  static parse(json: string): SyscallArgs {
    return new SyscallArgs(JSON.parse(json));
  }

  string(name: string): string {
    const value = this.optionalString(name);
    if (value === null) throw new Error(`Missing argument \`${name}\``);
    return value;
  }

  optionalString(name: string): string | null {
    const value = this.#fields[name] ?? null;
    if (value === null || typeof value === "string") return value;
    throw new Error(`Invalid argument \`${name}\`: expected a string`);
  }

  number(name: string): number {
    const value = this.optionalNumber(name);
    if (value === null) throw new Error(`Missing argument \`${name}\``);
    return value;
  }

  optionalNumber(name: string): number | null {
    const value = this.#fields[name] ?? null;
    if (value === null || typeof value === "number") return value;
    throw new Error(`Invalid argument \`${name}\`: expected a number`);
  }

  flag(name: string): boolean {
    return this.#fields[name] === true;
  }

  /** Any JSON, undefined when absent. */
  json(name: string): unknown {
    return this.#fields[name];
  }

  object(name: string): SyscallArgs {
    return new SyscallArgs(this.#fields[name]);
  }

  list(name: string): unknown[] {
    const value = this.#fields[name];
    if (Array.isArray(value)) return value;
    throw new Error(`Invalid argument \`${name}\`: expected an array`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
