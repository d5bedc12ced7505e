/**
 * One POST from the place that it holds to its result: sends, reads the answer within the limits, and settles once, at
 * the latest when its deadline passes. It is the handler that undici calls, so that no stream is involved.
 */

import type { Dispatcher } from "undici";
import type { EgressLimits } from "../limits.ts";
import type { TargetUrl } from "../target/target-url.ts";
import type { Connection, RequestOnConnection } from "./connection.ts";
import type { ConnectionPool } from "./connection-pool.ts";
import type { Deadlines, Expiring } from "./deadlines.ts";
import { classifyFailure, type Failure, type Waiting } from "./failure.ts";
import type { Place } from "./places.ts";
import type { BodyEnd, Header, PostResult, PostTiming } from "./post-result.ts";
import { ResponseBody } from "./response-body.ts";

export interface ExchangeRequest {
  readonly target: TargetUrl;
  readonly place: Place;
  /** Names and values alternating. */
  readonly headerLines: string[];
  readonly body: Uint8Array;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface ExchangeSurroundings {
  readonly pool: ConnectionPool;
  readonly deadlines: Deadlines;
  readonly limits: EgressLimits;
  /** Monotonic. */
  readonly nowMs: () => number;
  onSettled(exchange: Exchange): void;
}

export type Settle = { resolve(result: PostResult): void; reject(bug: Error): void };
type Answer = { readonly status: number; readonly headers: readonly Header[]; readonly retryAfter: string | undefined };

export class Exchange implements Expiring, RequestOnConnection, Dispatcher.DispatchHandler {
  readonly #request: ExchangeRequest;
  readonly #around: ExchangeSurroundings;
  readonly #settle: Settle;
  readonly #startedAtMs: number;
  readonly #body: ResponseBody;
  #dueAtMs: number;
  #isSettled = false;
  #connection: Connection | undefined;
  /** Undefined while nothing was written to the present connection. */
  #sentAtMs: number | undefined;
  #mayHaveArrived = false;
  #isAnswering = false;
  #isRedone = false;
  #interimResponses = 0;
  #connectMs: number | undefined;
  #headersMs: number | undefined;
  #answer: Answer | undefined;

  constructor(request: ExchangeRequest, around: ExchangeSurroundings, settle: Settle) {
    this.#request = request;
    this.#around = around;
    this.#settle = settle;
    this.#startedAtMs = around.nowMs();
    this.#body = new ResponseBody(around.limits.responseBodyBytesKeptMax);
    this.#dueAtMs = this.#startedAtMs + request.deadlineMs;
    around.deadlines.add(this, this.#dueAtMs);
    request.signal?.addEventListener("abort", this);
    request.place.occupy(request.target.origin);
  }

  start(): void {
    this.#sendOn(this.#around.pool.take(this.#request.target));
  }

  abort(): void {
    if (this.#isSettled) return;
    this.#finish({
      kind: "aborted",
      requestMayHaveArrived: this.#mayHaveArrived,
      redone: this.#isRedone,
      timing: this.#timing(),
    });
    this.#drop();
  }

  /** The signal's only event. */
  handleEvent(): void {
    this.abort();
  }

  onRequestStart(): void {
    this.#connectMs = this.#connection?.beginRequest(this);
    this.#sentAtMs = this.#around.nowMs();
    this.#mayHaveArrived = true;
  }

  onResponseStarted(): void {
    this.#isAnswering = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    const { interimResponsesMax, responseHeadersKeptMax } = this.#around.limits;
    if (status < 200) {
      this.#interimResponses += 1;
      if (this.#interimResponses > interimResponsesMax) {
        this.#fail({ stage: "interim", responsesMax: interimResponsesMax });
      }
      return;
    }
    this.#headersMs = this.#around.nowMs() - this.#startedAtMs;
    // Read from all of them: headers that are not kept count as well.
    const retryAfter = firstOf(headers["retry-after"]);
    this.#answer = { status, headers: headerPairs(headers, responseHeadersKeptMax), retryAfter };
    this.#hurry();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    if (this.#isSettled) return;
    this.#body.add(chunk);
    if (this.#body.bytesRead > this.#around.limits.responseBodyBytesReadMax) this.#endBody("limit");
  }

  onResponseEnd(): void {
    if (this.#isSettled || this.#answer === undefined) return;
    this.#respond(this.#answer, "complete");
    if (this.#connection === undefined) return;
    this.#connection.endRequest();
    this.#around.pool.release(this.#connection);
    this.#request.place.leave();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { code?: unknown }): void {
    const connection = this.#connection;
    if (this.#isSettled || connection === undefined) return;
    if (this.#answer !== undefined) {
      this.#endBody("reset");
    } else if (this.#isKeepAliveRace(connection)) {
      this.#isRedone = true;
      this.#sendOn(this.#around.pool.replace(connection));
    } else if (connection.connectFailure !== undefined) {
      this.#fail(connection.connectFailure);
    } else if (this.#sentAtMs !== undefined) {
      this.#fail({ stage: "exchange", code: String(error.code ?? error.name) });
    } else {
      // Nothing was sent and no socket failed: undici refused the request itself.
      this.#release();
      this.#settle.reject(error);
      this.#drop();
    }
  }

  /**
   * The receiver closed an idle socket while this request was on its way. Nothing of an answer came, and soon: a later
   * break may well mean that the receiver took the request and died of it, and that is for the caller to repeat.
   * Never true twice, because a request that is redone goes out on a fresh socket.
   */
  #isKeepAliveRace(connection: Connection): boolean {
    if (this.#isAnswering || connection.connectFailure !== undefined) return false;
    if (this.#sentAtMs === undefined) return connection.isReused;
    const sinceSentMs = this.#around.nowMs() - this.#sentAtMs;
    return this.#connectMs === undefined && sinceSentMs <= this.#around.limits.keepAliveRaceMsMax;
  }

  onFlood(): void {
    if (this.#isSettled) return;
    if (this.#answer !== undefined) this.#endBody("limit");
    else this.#fail({ stage: "flood", bytesMax: this.#around.limits.responseBytesMax });
  }

  onDeadline(): void {
    if (this.#answer !== undefined) {
      this.#endBody("deadline");
      return;
    }
    this.#fail({ stage: "deadline", deadlineMs: this.#request.deadlineMs, waitedFor: this.#waitedFor() });
  }

  #sendOn(connection: Connection): void {
    this.#connection = connection;
    this.#sentAtMs = undefined;
    const { target, headerLines, body } = this.#request;
    connection.dispatch({ method: "POST", path: target.path, headers: headerLines, body }, this);
  }

  /** The status is in; a body that drips must not hold a place for the rest of a long deadline. */
  #hurry(): void {
    const bodyDueAtMs = this.#around.nowMs() + this.#around.limits.responseBodyMsMax;
    if (bodyDueAtMs >= this.#dueAtMs) return;
    this.#around.deadlines.cancel(this, this.#dueAtMs);
    this.#dueAtMs = bodyDueAtMs;
    this.#around.deadlines.add(this, bodyDueAtMs);
  }

  #waitedFor(): Waiting {
    if (this.#sentAtMs === undefined) return "connection";
    return this.#isAnswering ? "headers" : "answer";
  }

  #endBody(bodyEnd: BodyEnd): void {
    if (this.#isSettled || this.#answer === undefined) return;
    this.#respond(this.#answer, bodyEnd);
    this.#drop();
  }

  #respond(answer: Answer, bodyEnd: BodyEnd): void {
    this.#finish({
      kind: "response",
      status: answer.status,
      headers: answer.headers,
      body: this.#body.bytes(),
      truncated: bodyEnd !== "complete" || this.#body.isLongerThanKept,
      bodyEnd,
      ...(answer.retryAfter === undefined ? {} : { retryAfter: answer.retryAfter }),
      redone: this.#isRedone,
      timing: this.#timing(),
    });
  }

  #fail(failure: Failure): void {
    if (this.#isSettled) return;
    this.#finish({
      kind: "failed",
      ...classifyFailure(failure),
      requestMayHaveArrived: this.#mayHaveArrived,
      redone: this.#isRedone,
      timing: this.#timing(),
    });
    this.#drop();
  }

  #finish(result: PostResult): void {
    this.#release();
    this.#settle.resolve(result);
  }

  #release(): void {
    this.#isSettled = true;
    this.#around.deadlines.cancel(this, this.#dueAtMs);
    this.#request.signal?.removeEventListener("abort", this);
    this.#around.onSettled(this);
  }

  /** Nobody else can use what this request leaves behind. */
  #drop(): void {
    if (this.#connection !== undefined) this.#around.pool.discard(this.#connection);
    this.#request.place.leave();
  }

  #timing(): PostTiming {
    return {
      durationMs: this.#around.nowMs() - this.#startedAtMs,
      connectMs: this.#connectMs,
      headersMs: this.#headersMs,
    };
  }
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return typeof value === "object" ? value[0] : value;
}

/** A repeated header gives several pairs. */
function headerPairs(headers: Record<string, string | string[] | undefined>, pairsMax: number): readonly Header[] {
  const pairs: Header[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (typeof value === "string") pairs.push([name, value]);
    else for (const each of value ?? []) pairs.push([name, each]);
  }
  return pairs.length > pairsMax ? pairs.slice(0, pairsMax) : pairs;
}
