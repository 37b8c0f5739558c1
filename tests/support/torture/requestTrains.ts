/**
 * Several requests over one connection, behind each other without waiting or in small pieces: some in chunks with trailers, some
 * that ask before they send their body. Each is a request as it should be, so that what it must be answered is known.
 */
import type { TrainStep } from "./attacks.ts";
import type { Dice } from "./dice.ts";
import type { HttpAnswer } from "./httpAnswers.ts";

interface PlannedRequest {
  method: string;
  path: string;
  body: string;
  status: number;
  /** What the body of the answer holds. */
  holds: string;
}

export interface RequestTrain {
  steps: TrainStep[];
  requests: PlannedRequest[];
  /** The sender is gone before it has said all. */
  isCut: boolean;
}

export type Planner = (dice: Dice) => PlannedRequest;

/** To the deployment port. */
export function plannedCall(dice: Dice): PlannedRequest {
  const board = `board ${dice.below(5)} ${"x".repeat(dice.pick([0, 0, 0, 3_000]))}`;
  const call = (args: unknown): string => JSON.stringify({ path: "notes:list", args });
  return dice.pick<PlannedRequest>([
    { method: "GET", path: "/version", body: "", status: 200, holds: "" },
    { method: "HEAD", path: "/version", body: "", status: 200, holds: "" },
    { method: "OPTIONS", path: "/api/query", body: "", status: 200, holds: "" },
    { method: "POST", path: "/api/query", body: call({ board }), status: 200, holds: '"status":"success"' },
    { method: "POST", path: "/api/query", body: call({ board: 1 }), status: 200, holds: '"status":"error"' },
    { method: "POST", path: "/api/query", body: "{", status: 400, holds: "BadJsonBody" },
    { method: "POST", path: "/api/query", body: "x".repeat(200_000), status: 400, holds: "BadJsonBody" },
    { method: "POST", path: "/api/nothing", body: call({}), status: 404, holds: "NotFound" },
    { method: "PUT", path: "/api/query", body: call({}), status: 405, holds: "MethodNotAllowed" },
    {
      method: "POST",
      path: "/api/deploy2/start_push",
      body: call({}),
      status: 401,
      holds: "Unauthenticated",
    },
  ]);
}

/** To the site port of the fixture `notes`. */
export function plannedEcho(dice: Dice): PlannedRequest {
  const body = `${dice.below(1e9)} `.repeat(dice.pick([0, 1, 1, 2, 2, 1_000, 10_000]));
  return dice.pick<PlannedRequest>([
    { method: "POST", path: "/echo", body, status: 200, holds: `echo: ${body}` },
    { method: "POST", path: "/echo", body, status: 200, holds: `echo: ${body}` },
    { method: "POST", path: "/echo?a=%ZZ", body, status: 200, holds: `echo: ${body}` },
    { method: "POST", path: "/nothing", body, status: 404, holds: "" },
    { method: "GET", path: "/echo", body: "", status: 404, holds: "" },
    { method: "TRACE", path: "/echo", body: "", status: 405, holds: "" },
  ]);
}

export function requestTrain(dice: Dice, plan: Planner): RequestTrain {
  const requests = Array.from({ length: 1 + dice.below(5) }, () => plan(dice));
  const steps = requests.flatMap((request, index) => stepsOf(request, index === requests.length - 1, dice));
  const train = joined(steps).flatMap((step) => (step === null ? [null] : pieces(step, dice)));
  return dice.chance(0.1)
    ? { requests, steps: cut(train, dice), isCut: true }
    : { requests, steps: train, isCut: false };
}

function cut(steps: readonly TrainStep[], dice: Dice): TrainStep[] {
  const kept = steps.slice(0, 1 + dice.below(steps.length));
  const last = kept.pop() ?? null;
  return last === null ? kept : [...kept, last.subarray(0, dice.below(last.length))];
}

function stepsOf({ method, path, body }: PlannedRequest, isLast: boolean, dice: Dice): TrainStep[] {
  const asks = body !== "" && dice.chance(0.15);
  const isChunked = body !== "" && dice.chance(0.3);
  const headers = [
    `${method} ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Content-Type: application/json",
    ...(isChunked ? ["Transfer-Encoding: chunked", "Trailer: X-Sum"] : []),
    ...(!isChunked && method !== "GET" ? [`Content-Length: ${Buffer.byteLength(body)}`] : []),
    ...(asks ? ["Expect: 100-continue"] : []),
    ...(isLast ? ["Connection: close"] : []),
  ];
  const head = Buffer.from(`${headers.join("\r\n")}\r\n\r\n`);
  const bytes = isChunked ? chunked(Buffer.from(body), dice) : Buffer.from(body);
  return [head, ...(asks ? [null] : []), bytes];
}

/** With extensions, which mean nothing, and a trailer. */
function chunked(bytes: Buffer, dice: Dice): Buffer {
  const parts: (Buffer | string)[] = [];
  const largest = dice.pick([1, 10, 100]) * Math.max(2, bytes.length / 100);
  for (let at = 0; at < bytes.length;) {
    const chunk = bytes.subarray(at, at + 1 + dice.below(Math.ceil(largest)));
    const extension = dice.pick(["", "", ";name", ';name="value"']);
    parts.push(`${chunk.length.toString(16)}${extension}\r\n`, chunk, "\r\n");
    at += chunk.length;
  }
  parts.push("0\r\n", ...(dice.chance(0.5) ? ["X-Sum: 1\r\n", "X-More: 2\r\n"] : []), "\r\n");
  return Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)));
}

/** One write for all between two waits. */
function joined(steps: readonly TrainStep[]): TrainStep[] {
  const result: TrainStep[] = [];
  for (const step of steps) {
    const before = result.at(-1);
    if (step !== null && before) result.splice(-1, 1, Buffer.concat([before, step]));
    else result.push(step);
  }
  return result;
}

/** As it is, or cut at a few places of which each may be in the middle of anything. */
function pieces(bytes: Buffer, dice: Dice): Buffer[] {
  const cuts = Array.from({ length: dice.pick([0, 0, 1, 3, 20]) }, () => dice.below(bytes.length + 1));
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** What is wrong with the answers, in sentences: each has its own in the order of the requests, up to one that is said to be the last. */
export function trainFaults({ requests, isCut }: RequestTrain, answers: HttpAnswer[] | undefined): string[] {
  if (answers === undefined) return ["the connection hangs"];
  const faults = answers.flatMap(({ status, body }, index) => {
    const request = requests[index];
    if (request === undefined) return [`an answer to nothing: ${status}`];
    const { method, path } = request;
    if (status !== request.status) return [`${method} ${path} got ${status}, not ${request.status}: ${body}`];
    return body.includes(request.holds) ? [] : [`${method} ${path} got ${body.slice(0, 200)}`];
  });
  if (!isCut && answers.length < requests.length && answers.at(-1)?.closes !== true)
    faults.push(`${requests.length} requests got ${answers.length} answers, and the last of them goes on`);
  return faults;
}
