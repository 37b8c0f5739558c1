/** Tells the host when a run names one of certain globals. Evaluated inside the realm from its own text. */
export function watchGlobals(names: readonly string[], onUse: (name: string) => void): void {
  for (const name of names) {
    const value = (globalThis as unknown as Record<string, unknown>)[name];
    Object.defineProperty(globalThis, name, {
      get() {
        onUse(name);
        return value;
      },
      configurable: true,
    });
  }
}
