/**
 * `PublishStream`: events one by one or several to a message, each message answered under its `request_id` once all of
 * it is durable or refused, in any order. A refusal never ends the stream. What is unanswered is bounded by no longer
 * reading, so that a fast publisher waits instead of being refused.
 */

import { status } from "@grpc/grpc-js";
import type { IngestServiceServer, PublishStreamRequest, PublishStreamResponse } from "@posthorn/contracts";
import { type Caller, NO_KEY_DETAIL } from "../core/access.ts";
import { NO_IDEMPOTENCY } from "../core/dedupe-key.ts";
import { parseWireBatch, parseWireEvent } from "../core/parse-wire-event.ts";
import { type Refusal, refused } from "../core/refusals.ts";
import type { IngestEvents } from "../events.ts";
import type { AcceptEvent } from "./accept-event.ts";
import type { Authorise } from "./authorise.ts";
import { callerIn, hopsIn, resultOf, traceparentIn } from "./grpc-call.ts";

type StreamCall = Parameters<IngestServiceServer["publishStream"]>[0];

/** The handler, and the end of all its streams. */
export type PublishStreams = Disposable & { readonly handle: IngestServiceServer["publishStream"] };

type Ports = {
  readonly authorise: Authorise;
  readonly callerOf: (key: string) => Caller;
  readonly acceptEvent: AcceptEvent;
  readonly events: IngestEvents;
};

/** Unanswered events of one stream; beyond either bound it is not read. */
const UNANSWERED_EVENTS_MAX = 1_024;
const UNANSWERED_BYTES_MAX = 4 * 1024 * 1024;
/** Results that the publisher does not take; the stream's own mark of 16 messages would stop reading at every group. */
const UNSENT_ANSWERS_MAX = 1_024;

export function createPublishStreams(ports: Ports): PublishStreams {
  const open = new Set<PublishingStream>();
  let isStopping = false;
  return {
    handle: (call) => {
      if (isStopping) return void call.emit("error", STOPPING);
      const caller = callerIn(call.metadata, ports.callerOf);
      if (caller === undefined) return void call.emit("error", NO_KEY);
      const stream = new PublishingStream(call, caller, ports);
      open.add(stream);
      ports.events.streamOpened();
      stream.onClosed(() => {
        open.delete(stream);
        ports.events.streamClosed();
      });
    },
    [Symbol.dispose]: () => {
      isStopping = true;
      for (const stream of open) stream.stop();
    },
  };
}

type Failure = { readonly code: status; readonly details: string };

const NO_KEY: Failure = { code: status.UNAUTHENTICATED, details: `unauthenticated: ${NO_KEY_DETAIL}` };
const STOPPING: Failure = {
  code: status.UNAVAILABLE,
  details: "The service is stopping; open the stream again and repeat what was not answered.",
};
const FAILED: Failure = { code: status.INTERNAL, details: "Something went wrong on our side." };

const BOTH = refused("invalid_batch", "The message has an event and a batch; it may have one of them.");

type StreamAnswer = Omit<PublishStreamResponse, "requestId">;

/** One call: reads, answers, and ends once everything that was read is answered. */
class PublishingStream {
  readonly #call: StreamCall;
  readonly #caller: Caller;
  readonly #ports: Ports;
  readonly #traceparent: string | undefined;
  readonly #hops: string | undefined;
  #unansweredEvents = 0;
  #unansweredBytes = 0;
  /** The publisher does not take its answers as fast as they come. */
  #isBlocked = false;
  #ending: "none" | "publisher-done" | "stopping" | "ended" = "none";

  constructor(call: StreamCall, caller: Caller, ports: Ports) {
    this.#call = call;
    this.#caller = caller;
    this.#ports = ports;
    this.#traceparent = traceparentIn(call.metadata);
    this.#hops = hopsIn(call.metadata);
    call.on("data", (request: PublishStreamRequest) => void this.#serve(request));
    call.on("drain", () => {
      this.#isBlocked = false;
      this.#readOn();
    });
    call.once("end", () => this.#endAfterAnswers("publisher-done"));
  }

  /** Calls the listener once, when the call has ended in whatever way. */
  onClosed(listener: () => void): void {
    let isClosed = false;
    const closed = () => {
      if (!isClosed) listener();
      isClosed = true;
    };
    // A call that was ended finishes, one that was cancelled only closes.
    this.#call.once("finish", closed).once("close", closed);
  }

  /** Reads no more; ends once everything that was read is answered. */
  stop(): void {
    this.#call.pause();
    this.#endAfterAnswers("stopping");
  }

  async #serve(request: PublishStreamRequest): Promise<void> {
    const batch = request.batch?.events ?? [];
    const events = Math.max(1, batch.length);
    const bytes = batch.reduce((sum, { data }) => sum + data.length, request.event?.data.length ?? 0);
    this.#unansweredEvents += events;
    this.#unansweredBytes += bytes;
    if (this.#isFull) this.#call.pause();
    try {
      this.#answer({ requestId: request.requestId, ...(await this.#accept(request)) });
    } catch (error) {
      // One stream pays for a bug, not the process that serves all others.
      this.#ports.events.streamFailed(error);
      this.#endWith(FAILED);
    }
    this.#unansweredEvents -= events;
    this.#unansweredBytes -= bytes;
    this.#readOn();
    this.#endIfDue();
  }

  async #accept({ orgId, event, batch }: PublishStreamRequest): Promise<StreamAnswer> {
    const { authorise, acceptEvent } = this.#ports;
    const access = await authorise(this.#caller, orgId);
    if (access.kind === "denied") return refusedAsAWhole(access.refusal);
    const [traceparent, hops] = [this.#traceparent, this.#hops];
    const publish = { org: access.org, idempotency: NO_IDEMPOTENCY, traceparent, hops };
    if (batch === undefined) return { result: resultOf(await acceptEvent(parseWireEvent(event), publish)) };
    const parsed = event === undefined ? parseWireBatch(batch.events) : BOTH;
    if (parsed.kind === "refused") {
      this.#ports.events.refused(parsed.refusal.code);
      return refusedAsAWhole(parsed.refusal);
    }
    const accepted = await Promise.all(parsed.value.map((one) => acceptEvent(one, publish)));
    return { result: undefined, batch: { results: accepted.map(resultOf) } };
  }

  #answer(response: PublishStreamResponse): void {
    // Nobody is told when the publisher has gone; the events are stored all the same.
    if (!this.#call.writable || this.#call.write(response)) return;
    if (this.#call.writableLength * (response.batch?.results.length ?? 1) < UNSENT_ANSWERS_MAX) return;
    this.#isBlocked = true;
    this.#call.pause();
  }

  #readOn(): void {
    if (this.#ending === "none" && !this.#isBlocked && !this.#isFull && this.#call.isPaused()) this.#call.resume();
  }

  get #isFull(): boolean {
    return this.#unansweredEvents >= UNANSWERED_EVENTS_MAX || this.#unansweredBytes >= UNANSWERED_BYTES_MAX;
  }

  #endAfterAnswers(ending: "publisher-done" | "stopping"): void {
    if (this.#ending === "none") this.#ending = ending;
    this.#endIfDue();
  }

  #endIfDue(): void {
    if (this.#unansweredEvents > 0) return;
    if (this.#ending === "stopping") this.#endWith(STOPPING);
    if (this.#ending === "publisher-done") this.#endWith(undefined);
  }

  #endWith(failure: Failure | undefined): void {
    this.#ending = "ended";
    if (failure === undefined) this.#call.end();
    else this.#call.emit("error", failure);
  }
}

function refusedAsAWhole(refusal: Refusal): StreamAnswer {
  return { result: resultOf({ kind: "refused", refusal }) };
}
