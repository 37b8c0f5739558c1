/** Numbers of bytes as Convex's messages write them. */

const UNITS = ["B", "KiB", "MiB", "GiB"];

/** "1 MiB", "1.50 MiB", "20 B": two decimals unless there is nothing behind the point. */
export function byteText(bytes: number): string {
  let rest = bytes;
  let unit = 0;
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024;
    unit += 1;
  }
  return `${Number.isInteger(rest) ? rest : rest.toFixed(2)} ${UNITS[unit]}`;
}
