/** What comes of one POST. Everything a receiver can do is a value here. */

import type { ErrorClass } from "@posthorn/domain";

export type Header = readonly [name: string, value: string];

export type FailureClass = Exclude<ErrorClass, "status" | "unrepresentable">;

export interface PostTiming {
  /** From holding a place to the result. */
  readonly durationMs: number;
  /** Resolving, connecting and TLS; undefined when an open socket was used or none was opened. */
  readonly connectMs: number | undefined;
  /** From holding a place to the end of the answer's headers; undefined when they did not end. */
  readonly headersMs: number | undefined;
}

/** How the body ended: as announced, at the limit of what is read, at the deadline, or with the connection. */
export type BodyEnd = "complete" | "limit" | "deadline" | "reset";

/** Once the headers of a final answer are in, the receiver has spoken: its status counts, however the body ends. */
export interface PostResponse {
  readonly kind: "response";
  readonly status: number;
  /** Names in lower case; no more than `responseHeadersKeptMax`. */
  readonly headers: readonly Header[];
  /** As received (nothing is decompressed), no more than `responseBodyBytesKeptMax`. */
  readonly body: Uint8Array;
  /** The receiver sent more body than is kept, or less than it announced. */
  readonly truncated: boolean;
  readonly bodyEnd: BodyEnd;
  /** The first one's text as it came, sense or nonsense; absent when there is none. */
  readonly retryAfter?: string;
  /** The request was sent a second time, because a reused socket turned out to be closed. */
  readonly redone: boolean;
  readonly timing: PostTiming;
}

export interface PostFailure {
  readonly kind: "failed";
  readonly errorClass: FailureClass;
  /** For the subscriber: names no address and, for blocked targets, no reason. */
  readonly message: string;
  /** False when certainly no byte of the request left. */
  readonly requestMayHaveArrived: boolean;
  readonly redone: boolean;
  readonly timing: PostTiming;
}

/** The caller gave up: its signal, or the client was disposed. Says nothing about the receiver. */
export interface PostAborted {
  readonly kind: "aborted";
  readonly requestMayHaveArrived: boolean;
  readonly redone: boolean;
  readonly timing: PostTiming;
}

export type PostResult = PostResponse | PostFailure | PostAborted;
