/** How this machine reaches a port that is open on an interface. */

/** All interfaces: nothing can be reached by these names, but loopback is among them. */
const loopbackOfWildcard: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["[::]", "[::1]"],
  ["[::ffff:0:0]", "127.0.0.1"],
]);

export function localUrl(host: string, port: number): string {
  return `http://${loopbackOfWildcard.get(addressOf(host)) ?? inUrl(host)}:${port}`;
}

/** Whether `host` stands for every interface. */
export function isWildcard(host: string): boolean {
  return loopbackOfWildcard.has(addressOf(host));
}

/** Reads every way of writing an address: `0` and `0:0:0:0:0:0:0:0` are wildcards, too. */
function addressOf(host: string): string {
  return URL.parse(`http://${inUrl(host)}`)?.hostname ?? inUrl(host);
}

function inUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
