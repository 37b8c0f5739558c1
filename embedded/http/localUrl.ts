/** How this machine reaches a port that is open on an interface. */

/** All interfaces: nothing can be reached by these names, but loopback is among them. */
const loopbackOfWildcard: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["[::]", "[::1]"],
  ["[::ffff:0:0]", "127.0.0.1"],
]);

export function localUrl(host: string, port: number): string {
  const name = host.includes(":") ? `[${host}]` : host;
  // Reads every way of writing an address: `0` and `0:0:0:0:0:0:0:0` are wildcards, too.
  const address = URL.parse(`http://${name}`)?.hostname ?? name;
  return `http://${loopbackOfWildcard.get(address) ?? name}:${port}`;
}
