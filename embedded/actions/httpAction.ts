/**
 * One HTTP action: from the request on the site port to the end of its body. Routing is the app's own router's
 * (`HttpRouter.runRequest`), as on Convex.
 *
 * A client that goes away aborts `request.signal` and nothing else. The action runs on and its body is drained; it ends
 * when the body does, and what user code does after that is dropped.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { inspect } from "node:util";
import { expectsContinue } from "../http/expectContinue.ts";
import { ActionRun } from "./actionRun.ts";
import { tooManyActions } from "./actionSlots.ts";
import { refuseJsSyscall } from "./functionAction.ts";
import { matchRoute } from "./httpRoutes.ts";
import { isOwnRequest } from "./ownRequests.ts";
import { toWebRequest } from "./webRequest.ts";
import { isOver, sendResponse, sendText } from "./sendResponse.ts";
import { SiteRequestBody, type BodyRefusal } from "./siteRequestBody.ts";
import type { ActionServices } from "./services.ts";
import type { RunnableComponent } from "./threadMessages.ts";

const app = "";
const httpModule = "http.js";
let lastRunId = 0;
/** Those of Convex's router. */
const routableMethods = new Set(["GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS"]);

/** Never rejects. */
export async function serveHttpAction(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  services: ActionServices,
): Promise<void> {
  outgoing.on("error", () => undefined); // the client is gone; `close` says so too
  await services.introduced;
  if (isOver(outgoing)) return;
  const component = services.component(app);
  if (!component?.httpRoutes) {
    return sendText(outgoing, 404, "This Convex deployment does not have HTTP actions enabled.");
  }
  if (!routableMethods.has(incoming.method ?? "GET")) return refuseMethod(incoming, outgoing);
  const body = new SiteRequestBody(incoming, services.limits, () => {
    if (expectsContinue(incoming) && !outgoing.headersSent) outgoing.writeContinue();
  });
  if (body.refusal) return refuseBody(body.refusal, outgoing);
  const origin = isOwnRequest(incoming, services.ownRequestSecret) ? "own" : "client";
  const release = await services.slots.acquire(origin);
  if (!release) return refuseForNow(outgoing, services.limits.concurrent);
  try {
    if (isOver(outgoing)) return; // the client left while it waited in line
    const gone = new AbortController();
    const request = requestOrNull(incoming, body, gone.signal);
    if (request) await new HttpActionRun(request, body, gone, outgoing, services, component).serve();
    else sendText(outgoing, 400, "The URL, the method or a header of this request is not valid.");
  } catch (error) {
    // A fault of this thread: the function's own errors are answered by `serve`.
    services.post({ kind: "strayError", message: inspect(error) });
    if (outgoing.headersSent) outgoing.destroy();
    else sendText(outgoing, 500, "The deployment failed to serve this request.");
  } finally {
    body.discard();
    release();
  }
}

function requestOrNull(
  incoming: IncomingMessage,
  body: SiteRequestBody,
  signal: AbortSignal,
): Request | null {
  try {
    return toWebRequest(incoming, body.stream, signal);
  } catch {
    return null; // no web platform would have made this request: the answer says so
  }
}

function refuseForNow(outgoing: ServerResponse, concurrent: number): void {
  const message = tooManyActions("http_action", concurrent);
  sendText(outgoing, 429, JSON.stringify({ code: "TooManyConcurrentRequests", message }), "application/json");
}

/** What still comes of it is not waited for. */
function refuseBody({ httpStatus, sentence }: BodyRefusal, outgoing: ServerResponse): void {
  if (!outgoing.headersSent) outgoing.setHeader("connection", "close");
  sendText(outgoing, httpStatus, sentence);
}

function refuseMethod({ method }: IncomingMessage, outgoing: ServerResponse): void {
  outgoing.setHeader("allow", [...routableMethods].join(","));
  sendText(outgoing, 405, `${method} is not served here.`);
}

class HttpActionRun {
  readonly #outgoing: ServerResponse;
  readonly #body: SiteRequestBody;
  readonly #services: ActionServices;
  readonly #request: Request;
  readonly #pathname: string;
  readonly #name: string;
  readonly #run: ActionRun;
  readonly #runId = --lastRunId;
  readonly #requestId = randomBytes(8).toString("hex");
  readonly #startedAtMs = Date.now();
  readonly #authorization: string | null;
  #response: Response | null = null;
  #bytesSent = 0;

  /** `gone` aborts the request's signal. */
  constructor(
    request: Request,
    body: SiteRequestBody,
    gone: AbortController,
    outgoing: ServerResponse,
    services: ActionServices,
    component: RunnableComponent,
  ) {
    this.#outgoing = outgoing;
    this.#body = body;
    this.#services = services;
    this.#request = request;
    this.#pathname = new URL(this.#request.url).pathname;
    this.#name = matchRoute(component.httpRoutes ?? [], this.#request.method, this.#pathname);
    this.#authorization = outgoing.req.headers.authorization ?? null;
    this.#run = new ActionRun({
      realm: services.realms.take(app, httpModule, { ...component, env: services.environment(app) }),
      garbage: services.garbage,
      maxRunMs: services.limits.maxRunMs,
      folders: services.folders,
      ask: (op, argsJson) => services.syscalls.ask(this.#runId, op, argsJson),
      jsSyscall: (op, args) => this.#jsSyscall(op, args),
    });
    outgoing.on("close", () => {
      // The function's own listeners run here: what they throw is the function's.
      if (!outgoing.writableFinished) this.#run.realm.own(() => gone.abort());
    });
  }

  async serve(): Promise<void> {
    const began = {
      runId: this.#runId,
      name: this.#name,
      requestId: this.#requestId,
      startedAtMs: this.#startedAtMs,
    };
    this.#services.post({ kind: "httpBegan", ...began, authorization: this.#authorization });
    let error: string | null = null;
    try {
      await Promise.race([this.#answer(), this.#run.failed]);
    } catch (thrown) {
      error = this.#run.describeError(thrown).message;
      this.#cut(error);
    }
    this.#run.end();
    this.#services.syscalls.forget(this.#runId);
    this.#reportEnd(error);
  }

  async #answer(): Promise<void> {
    const request = JSON.stringify({ url: this.#request.url, method: this.#request.method });
    await this.#run.realm.call(httpModule, "default", "runRequest", [request, this.#pathname]);
    if (!this.#response) throw new Error("The router of http.js did not answer with a Response.");
    const response = this.#response;
    await this.#run.realm.own(() =>
      sendResponse(response, this.#outgoing, {
        withBody: this.#request.method !== "HEAD",
        maxBytes: this.#services.limits.maxResponseBytes,
        onSent: (bytes) => {
          this.#bytesSent += bytes;
        },
        backlog: this.#services.backlog,
        onLimit: (text) => this.#run.logError(text),
      }),
    );
  }

  #jsSyscall(op: string, args: unknown): unknown {
    switch (op) {
      case "requestFromConvexJson":
        return this.#request;
      case "convexJsonFromResponse": {
        const { response } = args as { response: unknown };
        if (!(response instanceof Response)) throw new TypeError("An HTTP action must return a Response.");
        this.#response = response;
        return {};
      }
      default:
        return refuseJsSyscall(op);
    }
  }

  /** Before the head the caller is told; after it, a body that ends without its end says so. */
  #cut(error: string): void {
    if (this.#outgoing.headersSent) {
      this.#outgoing.destroy();
      return;
    }
    const refusal = this.#body.refusal;
    if (refusal) return refuseBody(refusal, this.#outgoing);
    const code = `[Request ID: ${this.#requestId}] Server Error`;
    sendText(this.#outgoing, 500, JSON.stringify({ code, trace: error }), "application/json");
  }

  #reportEnd(error: string | null): void {
    const completion = {
      kind: "httpAction" as const,
      componentPath: app,
      name: this.#name,
      startedAtMs: this.#startedAtMs,
      executionMs: Date.now() - this.#startedAtMs,
      cachedResult: false,
      error,
      logLines: this.#run.logLines,
      requestId: this.#requestId,
    };
    this.#services.post({ kind: "httpEnded", runId: this.#runId, completion, bytesSent: this.#bytesSent });
  }
}
