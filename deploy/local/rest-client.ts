/** The little HTTP that the demo and the end-to-end tests need to talk to a running stack. */

const REQUEST_TIMEOUT_MS = 15_000;

export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined for an empty body. Its shape is for the caller to check. */
  readonly body: unknown;
}

export type RestCall = (method: string, path: string, body?: unknown) => Promise<RestAnswer>;

export interface RestOptions {
  /** Breaks calls off. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Calls with a key. A string body is sent as it is, anything else as JSON. Rejects only when there is no answer. */
export function restClient(baseUrl: string, key: string, options: RestOptions = {}): RestCall {
  return async (method, path, body) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal: AbortSignal.any([
        AbortSignal.timeout(options.timeoutMs ?? REQUEST_TIMEOUT_MS),
        ...(options.signal === undefined ? [] : [options.signal]),
      ]),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) };
  };
}
