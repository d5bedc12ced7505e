/**
 * SignStream: answers every batch under its id, its items in order. Pulls the next batch only when the caller takes the
 * answers, so that a slow caller costs no memory. A refusal is about one item; a stream ends early only when a batch
 * breaks a limit, when the signer stops, or by a bug.
 */

import { status } from "@grpc/grpc-js";
import type { SigningServiceServer, SignResult, SignStreamRequest, SignStreamResponse } from "@posthorn/contracts";
import { batchProblem } from "../core/batch-limits.ts";
import { type StatedOfAttempt, statedHeaders } from "../core/sign-attempt.ts";
import { type Rings, type SignedItem, signItem } from "../core/sign-item.ts";
import type { SignerEvents, TracedItem } from "../events.ts";

type SignCall = Parameters<SigningServiceServer["signStream"]>[0];

/** The handler, and the end of all its streams. */
export type SignStreams = Disposable & { readonly handle: SigningServiceServer["signStream"] };

export function createSignStreams(ports: { readonly rings: Rings; readonly events: SignerEvents }): SignStreams {
  const open = new Set<SignCall>();
  let isStopping = false;
  return {
    handle: (call) => {
      if (isStopping) return end(call, status.UNAVAILABLE, STOPPING);
      open.add(call);
      // A stream that was ended finishes, one that was cancelled only closes.
      for (const event of ["finish", "close"]) call.once(event, () => open.delete(call));
      serve(call, ports);
    },
    // Unanswered batches are safe to send again elsewhere: signing changes nothing.
    [Symbol.dispose]: () => {
      isStopping = true;
      for (const call of open) end(call, status.UNAVAILABLE, STOPPING);
    },
  };
}

const STOPPING = "The signer is stopping; send the batch again.";

function serve(call: SignCall, { rings, events }: { readonly rings: Rings; readonly events: SignerEvents }) {
  call.on("data", (request: SignStreamRequest) => {
    // Batches that were read before the stream was ended still arrive here.
    if (!call.writable) return;
    const answer = tryToAnswer(request, rings, events);
    if (answer.kind === "failed") return end(call, answer.code, answer.detail);
    if (call.write(answer.response)) return;
    call.pause();
    call.once("drain", () => call.resume());
  });
  call.once("end", () => call.end());
}

type Answer =
  | { readonly kind: "answered"; readonly response: SignStreamResponse }
  | { readonly kind: "failed"; readonly code: status; readonly detail: string };

function tryToAnswer({ batchId, items, withoutStated }: SignStreamRequest, rings: Rings, events: SignerEvents): Answer {
  try {
    const problem = batchProblem(items);
    if (problem !== undefined) {
      events.batchRefused(problem);
      return { kind: "failed", code: status.INVALID_ARGUMENT, detail: `The batch ${batchId} ${problem}.` };
    }
    const results = items.map((item) => signTraced(item, rings, events));
    events.batchSigned(items, results);
    const answers = results.map((result, index) =>
      onTheWire(result, withoutStated === true ? undefined : items[index]),
    );
    return { kind: "answered", response: { batchId, results: answers } };
  } catch (error) {
    // One stream pays for a bug, not all of them: every dispatcher depends on this process.
    events.streamFailed(error);
    return { kind: "failed", code: status.INTERNAL, detail: "Something went wrong on our side." };
  }
}

function signTraced(item: TracedItem, rings: Rings, events: SignerEvents): SignedItem {
  const span = events.signingStarted(item);
  const result = signItem(rings, item);
  if (span !== undefined) events.signingEnded(span, result);
  return result;
}

/** @param stated what the answer repeats of its item; undefined: nothing. */
function onTheWire(result: SignedItem, stated: StatedOfAttempt | undefined): SignResult {
  if (result.kind === "refused") return { headers: [], refusal: result.code };
  return {
    headers: stated === undefined ? result.headers : [...statedHeaders(stated), ...result.headers],
    refusal: "",
  };
}

/** Answers that were written before still go out. */
function end(call: SignCall, code: status, details: string): void {
  call.emit("error", { code, details });
}
