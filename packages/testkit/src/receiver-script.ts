/** What a test receiver answers, as data. */

/** A number is short for a response with that status and an empty body. */
export type ReceiverStep = number | ReceiverAnswer;

export type ReceiverAnswer =
  | {
      readonly kind: "respond";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** A number stands for that many bytes of filler. */
      readonly body?: string | Uint8Array | number;
      /** Between the end of the request and the head of the response. */
      readonly delayMs?: number;
    }
  /** Sends the head at once and then one byte of body at a time, `bytes` of them. */
  | { readonly kind: "slow-body"; readonly status: number; readonly bytes: number; readonly everyMs: number }
  /** Takes the whole request and never answers. */
  | { readonly kind: "hang" }
  /** Takes the whole request and resets the connection. */
  | { readonly kind: "reset" };

/** A list is used in its order and its last step repeats; a function is asked for each request. */
export type ReceiverScript = readonly ReceiverStep[] | ((request: RecordedRequest) => ReceiverStep);

export interface RecordedRequest {
  /** 0 for the first request this receiver got. */
  readonly index: number;
  readonly method: string;
  /** With the query string, as it was sent. */
  readonly path: string;
  /** Names and values in turn, as they were sent: spelling, order and repeats kept. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** When the head of the request arrived, in milliseconds since 1970. */
  readonly arrivedAtMs: number;
  /** The value of a header, whatever its spelling; several of one name are joined by ", ". */
  header(name: string): string | undefined;
}

/** The answer to a request under a script. An empty list answers 200. */
export function answerFor(script: ReceiverScript, request: RecordedRequest): ReceiverAnswer {
  const step = typeof script === "function" ? script(request) : (script[request.index] ?? script.at(-1) ?? 200);
  return typeof step === "number" ? { kind: "respond", status: step } : step;
}

/** Looks a header up in a raw list. */
export function findHeader(rawHeaders: readonly string[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
  return values.length === 0 ? undefined : values.join(", ");
}
