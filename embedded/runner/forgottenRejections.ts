/**
 * Promises that a step rejected and that nobody handles: Convex fails a query or a mutation that leaves one. V8 says so
 * synchronously, but only to one listener a thread, which is Node's own and tells much later, when the transaction is over. So
 * another one is put before it here.
 *
 * Node exports neither its listener nor the function that sets it; the debugger reaches both. Where a version of Node has them
 * elsewhere, a warning says so and forgotten rejections stay what Node makes of them: `strayErrors.ts` logs them.
 */
import { Session, type Runtime } from "node:inspector";

type RejectListener = (event: number, promise: object, reason: unknown) => void;
interface NodeInternals {
  setPromiseRejectCallback: (listener: RejectListener) => void;
  promiseRejectHandler: RejectListener;
}

/** V8's numbers. */
const rejectedWithoutHandler = 0;
const handledAfterReject = 1;

interface Watch {
  rejected: Map<object, unknown>;
  outer: Watch | null;
}

let innermost: Watch | null = null;
let isListening: boolean | null = null;

/** @returns the reason of a promise that `step` left rejected and unhandled: null when there is none. */
export function forgottenRejection(step: () => void): { reason: unknown } | null {
  isListening ??= listen();
  const watch: Watch = { rejected: new Map(), outer: innermost };
  innermost = watch;
  try {
    step();
  } finally {
    innermost = watch.outer;
  }
  for (const reason of watch.rejected.values()) return { reason };
  return null;
}

function listen(): boolean {
  const internals = nodeInternals();
  if (internals === null) {
    process.emitWarning(
      `Node ${process.version} hides its listener for rejected promises: queries and mutations that forget one do not fail.`,
    );
    return false;
  }
  const { setPromiseRejectCallback, promiseRejectHandler } = internals;
  setPromiseRejectCallback((event, promise, reason) => {
    const isOfHost = innermost === null || promise instanceof Promise;
    if (event === handledAfterReject) {
      for (let watch = innermost; watch; watch = watch.outer) if (watch.rejected.delete(promise)) return;
    } else if (event === rejectedWithoutHandler && !isOfHost) {
      innermost?.rejected.set(promise, reason);
      return;
    }
    promiseRejectHandler(event, promise, reason);
  });
  return true;
}

/** From `process._tickCallback` by what its functions close over to Node's `internal/process/promises`. */
function nodeInternals(): NodeInternals | null {
  const session = new Session();
  session.connect();
  try {
    const expression = "process._tickCallback";
    const tick = ask(session, "Runtime.evaluate", { expression }) as Runtime.EvaluateReturnType;
    const queue = closureOf(session, tick.result);
    const promises = closureOf(session, queue.get("listenForRejections"));
    const [set, handler] = [promises.get("setPromiseRejectCallback"), promises.get("promiseRejectHandler")];
    if (set?.type !== "function" || handler?.type !== "function") return null;
    const found: NodeInternals[] = [];
    const receiver = Symbol.for("embedded.nodeInternals");
    Object.defineProperty(globalThis, receiver, {
      value: (internals: NodeInternals) => found.push(internals),
      configurable: true,
    });
    ask(session, "Runtime.callFunctionOn", {
      objectId: set.objectId,
      functionDeclaration: `function (promiseRejectHandler) {
        globalThis[Symbol.for("embedded.nodeInternals")]({ setPromiseRejectCallback: this, promiseRejectHandler });
      }`,
      arguments: [{ objectId: handler.objectId }],
    });
    Reflect.deleteProperty(globalThis, receiver);
    return found[0] ?? null;
  } catch {
    return null; // the caller says what that means
  } finally {
    session.disconnect();
  }
}

function closureOf(
  session: Session,
  fn: Runtime.RemoteObject | undefined,
): Map<string, Runtime.RemoteObject> {
  const variables = new Map<string, Runtime.RemoteObject>();
  const { internalProperties = [] } = propertiesOf(session, fn);
  const scopes = internalProperties.find(({ name }) => name === "[[Scopes]]")?.value;
  for (const { value: scope } of propertiesOf(session, scopes).result) {
    if (scope?.description?.startsWith("Closure") !== true) continue;
    for (const { name, value } of propertiesOf(session, scope).result) if (value) variables.set(name, value);
  }
  return variables;
}

function propertiesOf(
  session: Session,
  object: Runtime.RemoteObject | undefined,
): Runtime.GetPropertiesReturnType {
  const properties = { objectId: object?.objectId, ownProperties: true };
  return ask(session, "Runtime.getProperties", properties) as Runtime.GetPropertiesReturnType;
}

/** Answered before it returns: the session is this thread's own. */
function ask(session: Session, method: string, params: object): object {
  const answers: object[] = [];
  let problem: Error | null = null;
  session.post(method, params, (error: Error | null, answer?: object) => {
    problem = error;
    if (answer) answers.push(answer);
  });
  if (problem !== null || !answers[0]) throw problem ?? new Error(`The debugger did not answer ${method}.`);
  return answers[0];
}
