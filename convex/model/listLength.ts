/** How many rows a list answers, by what its caller asks for. */
import { appError } from "./appError.ts";

/** `limit` brought into 1 to `maxLength`. Throws `invalidInput` for what is no number. */
export function listLength(limit: number, maxLength: number): number {
  if (Number.isNaN(limit)) {
    const message = `limit must be a number from 1 to ${maxLength}, not ${limit}.`;
    throw appError({ kind: "invalidInput", field: "limit", message });
  }
  return Math.min(Math.max(1, Math.floor(limit)), maxLength);
}
